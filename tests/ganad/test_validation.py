"""ganad.validation: what papermill lets through, a chapter refuses in one line."""

import numpy as np
import pytest

from ganad.validation import ParameterError, check, choice, flag, listing, mapping, obey, optional, real, text, whole

RULES = dict(dataset=choice("digits", "mnist"), epochs=whole(1, 100), rate=real(0, 1), log1p=flag())
GOOD = dict(dataset="digits", epochs=5, rate=0.5, log1p=False)


def test_good_parameters_come_back():
    assert check(GOOD, **RULES) == GOOD
    assert list(check(dict(reversed(GOOD.items())), **RULES)) == list(RULES)


def test_what_is_no_parameter_is_let_alone():
    notebook = GOOD | {"_": 3, "_i1": "x = 1", "In": ["x"], "Out": {}, "np": np, "check": check, "x": np.zeros(3)}
    assert check(notebook, **RULES) == GOOD


@pytest.mark.parametrize("value", ["digits", 1, 2.5, True, None, [1], (1,), {"a": 1}])
def test_an_unknown_name_is_refused(value, refused):
    with refused(ParameterError, "unknown", "epoch", "dataset, epochs, rate, log1p"):
        check(GOOD | {"epoch": value}, **RULES)


def test_a_missing_name_is_refused(refused):
    with refused(ParameterError, "epochs", "missing"):
        check({name: value for name, value in GOOD.items() if name != "epochs"}, **RULES)


@pytest.mark.parametrize(
    "name, value, word",
    [
        ("dataset", "Digits", "digits, mnist"),
        ("dataset", 3, "digits, mnist"),
        ("dataset", None, "digits, mnist"),
        ("dataset", ["digits"], "digits, mnist"),
        ("epochs", 0, "from 1 to 100"),
        ("epochs", 101, "from 1 to 100"),
        ("epochs", -5, "from 1 to 100"),
        ("epochs", 5.0, "whole number"),
        ("epochs", "5", "whole number"),
        ("epochs", True, "whole number"),
        ("epochs", None, "whole number"),
        ("rate", -1e-9, "from 0 to 1"),
        ("rate", 1.1, "from 0 to 1"),
        ("rate", "0.5", "a number"),
        ("rate", True, "a number"),
        ("rate", float("nan"), "a number"),
        ("rate", float("inf"), "a number"),
        ("log1p", "false", "True or False"),
        ("log1p", "true", "True or False"),
        ("log1p", "False", "True or False"),
        ("log1p", 0, "True or False"),
        ("log1p", 1, "True or False"),
        ("log1p", None, "True or False"),
        ("dataset", "dig\nits", "digits, mnist"),
    ],
)
def test_a_wrong_value_is_refused(name, value, word, refused):
    with refused(ParameterError, name, word, repr(value)):
        check(GOOD | {name: value}, **RULES)


@pytest.mark.parametrize("name, value", [("epochs", 1), ("epochs", 100), ("rate", 0), ("rate", 1), ("rate", 0.0)])
def test_bounds_are_inside(name, value):
    assert check(GOOD | {name: value}, **RULES)[name] == value


def test_numpy_numbers_are_numbers():
    rules = {"epochs": whole(1, 9), "rate": real(0, 1)}
    assert obey({"epochs": np.int64(3), "rate": np.float32(0.5)}, rules) == {"epochs": 3, "rate": 0.5}


def test_optional_takes_none_and_what_its_rule_takes(refused):
    rule = {"epochs": optional(whole(1, 9))}
    assert check({"epochs": None}, **rule) == {"epochs": None}
    assert check({"epochs": 9}, **rule) == {"epochs": 9}
    with refused(ParameterError, "epochs", "None or a whole number from 1 to 9"):
        check({"epochs": 10}, **rule)


@pytest.mark.parametrize(
    "value, rule", [(3, text()), (None, text()), ("x", mapping()), ({1: 2}, mapping()), ([], mapping())]
)
def test_texts_and_dictionaries_are_told_from_others(value, rule, refused):
    assert obey({"a": "", "b": {"epochs": 3}}, {"a": text(), "b": mapping()}) == {"a": "", "b": {"epochs": 3}}
    with refused(ParameterError, "x must be a", repr(value)):
        obey({"x": value}, {"x": rule})


def test_a_refusal_is_a_value_error():
    assert issubclass(ParameterError, ValueError)


def test_a_list_holds_things_that_obey(refused):
    rules = {"runs": listing(mapping()), "seeds": listing(whole(0, 9))}
    fine = {"runs": [{"seed": 0}, {}], "seeds": (1, 2)}
    assert obey(fine, rules) == fine
    for wrong in ([], {}, "ab", None, [1], [{1: 2}], [{}, None]):
        with refused(ParameterError, "runs must be a list, each a dictionary of names and values"):
            obey(fine | {"runs": wrong}, rules)
    with refused(ParameterError, "seeds must be a list, each a whole number from 0 to 9"):
        obey(fine | {"seeds": [1, 10]}, rules)
