"""The strict check of a chapter's parameters.

papermill only warns of a name it does not know, and hands ``-p flag false`` over as the text ``"false"``, which is true.
So a chapter's second code cell says what it accepts:

>>> from ganad.validation import check, choice, flag, whole
>>> dataset, epochs, log1p = "digits", 5, False
>>> check(locals(), dataset=choice("digits", "mnist"), epochs=whole(1, 1000), log1p=flag())
{'dataset': 'digits', 'epochs': 5, 'log1p': False}
"""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

from ganad.errors import GanadError

Rule = Callable[[Any], str | None]
"""Takes a value, returns what is accepted instead, or None if the value is fine."""

_IPYTHON = {"In", "Out"}


class ParameterError(GanadError, ValueError):
    """A parameter is unknown, missing, of the wrong type, or impossible."""


def check(namespace: Mapping[str, Any], /, **rules: Rule) -> dict[str, Any]:
    """Refuse what a chapter cannot run with, in one line.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()`` before anything but parameters was assigned.
    **rules : Rule
        One for every parameter.

    Returns
    -------
    dict
        The parameters, for the record.

    Raises
    ------
    ParameterError
        For a plain value under a name without a rule, a rule without a value, or a value its rule refuses.
    """
    plain = (str, int, float, bool, list, tuple, dict, type(None))
    given = {
        name: value
        for name, value in namespace.items()
        if isinstance(value, plain) and not name.startswith("_") and name not in _IPYTHON
    }
    if unknown := sorted(given.keys() - rules.keys()):
        raise ParameterError(f"unknown parameter {unknown[0]}: this chapter takes {', '.join(rules)}")
    if missing := sorted(rules.keys() - given.keys()):
        raise ParameterError(f"parameter {missing[0]} is missing")
    return obey(given, rules)


def obey(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The values that have rules, if each obeys its own; :class:`ParameterError` for the first that does not."""
    for name, rule in rules.items():
        if accepted := rule(values[name]):
            raise ParameterError(f"{name} must be {accepted}, not {values[name]!r}")
    return {name: values[name] for name in rules}


def choice(*values: str) -> Rule:
    """One of these texts."""
    return lambda value: None if isinstance(value, str) and value in values else f"one of {', '.join(values)}"


def text() -> Rule:
    """Any text."""
    return lambda value: None if isinstance(value, str) else "a text"


def mapping() -> Rule:
    """A dictionary, its keys texts; what the values may be is for whoever takes them to say."""

    def rule(value: Any) -> str | None:
        fine = isinstance(value, dict) and all(isinstance(key, str) for key in value)
        return None if fine else "a dictionary of names and values"

    return rule


def listing(rule: Rule) -> Rule:
    """A list, of one thing or more, that each obey the rule."""

    def every(value: Any) -> str | None:
        fine = isinstance(value, (list, tuple)) and value
        accepted = next(filter(None, map(rule, value)), None) if fine else rule(None)
        return f"a list, each {accepted}" if accepted else None

    return every


def flag() -> Rule:
    """True or False; the texts "true" and "false" are refused."""
    return lambda value: None if isinstance(value, bool) else "True or False (write them so, capitalised, after -p)"


def whole(low: int, high: int) -> Rule:
    """A whole number from ``low`` to ``high``."""
    return _number(Integral, "a whole number", low, high)


def real(low: float, high: float) -> Rule:
    """A number from ``low`` to ``high``."""
    return _number(Real, "a number", low, high)


def optional(rule: Rule) -> Rule:
    """None, or what the rule accepts."""
    return lambda value: None if value is None or not (accepted := rule(value)) else f"None or {accepted}"


def _number(kind: type, words: str, low: float, high: float) -> Rule:
    def rule(value: Any) -> str | None:
        number: Any = value if isinstance(value, kind) and not isinstance(value, bool) else math.nan
        return None if low <= number <= high else f"{words} from {low} to {high}"

    return rule
