"""The assignment's checks: right answers pass with any numbers, wrong ones get the hint that fits, nothing gets through."""

import doctest
import json
import time
from pathlib import Path

import assignment_solutions as right
import numpy as np
import pytest
from assignment_solutions import average_precision, split, standardise
from small_book import ROOT

import ganad_book.assignment
from ganad_book import notebooks
from ganad_book.assignment import TASKS, Sheet, egbad_parts, regrade, verdict

BY_NAME = {task.name: task for task in TASKS}
NOTEBOOK = ROOT / "book" / "teaching" / "assignment.ipynb"


def hint(name: str, answer) -> str | None:
    """What the check says of an answer."""
    return verdict(BY_NAME[name], answer)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("seed", range(5))
def test_right_answers_are_right_with_any_numbers(task, seed):
    assert verdict(task, getattr(right, task.name), seed) is None


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(
    "answer",
    [
        lambda *_: None,
        lambda *_: 0.0,
        lambda *_: 1,
        lambda *_: "right",
        lambda *_: (0, 0),
        lambda *_: {},
        lambda *given: given[0],
        lambda *given: tuple(given[:2]),
        lambda *given: np.zeros(len(given[0])),
        lambda *given: ([], []),
        lambda *given: 1 / 0,
        lambda: None,
        None,
        7,
    ],
)
def test_nothing_empty_or_foolish_passes(task, answer):
    said = verdict(task, answer)
    assert said and "\n" not in said and len(said) < 400


def pooled(x_train, x_test):
    """Standardised by all rows."""
    both = np.vstack([x_train, x_test])
    deviation = np.where(both.std(0) == 0, 1, both.std(0))
    return (x_train - both.mean(0)) / deviation, (x_test - both.mean(0)) / deviation


def own(x_train, x_test):
    """Each by its own rows."""
    return standardise(x_train, x_train)[0], standardise(x_test, x_test)[0]


def trapezoid(labels, scores):
    """The usual wrong area."""
    from sklearn.metrics import auc, precision_recall_curve

    precision, recall, _ = precision_recall_curve(labels, scores)
    return auc(recall, precision)


def by_order(labels, scores):
    """Average precision that parts equal scores."""
    found = labels[np.argsort(-scores, kind="stable")]
    return (found * np.cumsum(found) / np.arange(1, len(found) + 1)).sum() / found.sum()


def best_f1(normal_scores, test_scores, contamination):
    """A threshold chosen where it looks best on the test set."""
    return np.quantile(np.concatenate([normal_scores, test_scores]), 1 - contamination)


def leaky(scale=standardise, part=split, measure=average_precision):
    """Leave one out with a part of it exchanged."""

    def leave_one_out(x, y, fit, seed):
        found = {}
        for name in np.unique(y):
            train, test = part(y, name, seed)
            x_train, x_test = scale(x[train], x[test])
            found[int(name)] = measure((y[test] == name).astype(int), fit(x_train)(x_test))
        return found

    return leave_one_out


def with_anomalies(y, anomaly_class, seed):
    """Four fifths of everything."""
    order = np.random.default_rng(seed).permutation(len(y))
    return order[: int(0.8 * len(y))], order[int(0.8 * len(y)) :]


def sigmoid(a):
    """As one writes it first."""
    return 1 / (1 + np.exp(-a))


def l1(a, b):
    """By sample."""
    return np.abs(a - b).reshape(len(a), -1).sum(1)


WRONG = [
    ("split", with_anomalies, "would learn that they are normal"),
    ("split", lambda y, c, s: (np.flatnonzero(y != c), np.flatnonzero(y == c)), "Four fifths"),
    ("split", lambda y, c, s: (split(y, c, s)[0], np.arange(len(y))), "in both parts"),
    (
        "split",
        lambda y, c, s: (split(y, c, s)[0], np.setdiff1d(split(y, c, s)[1], np.flatnonzero(y == c)[:5])),
        "missing",
    ),
    ("split", lambda y, c, s: (split(y, c, s)[0], np.flatnonzero(y == c)), "neither part"),
    ("split", lambda y, c, s: (y != c, y == c), "np.flatnonzero"),
    ("split", lambda y, c, s: split(y, c, 0), "Every seed"),
    ("split", lambda y, c, s: split(y, c, None), "same seed gives two"),
    (
        "split",
        lambda y, c, s: (np.random.default_rng(s).choice(np.flatnonzero(y != c), 360), split(y, c, s)[1]),
        "twice",
    ),
    ("standardise", pooled, "seen the test rows"),
    ("standardise", own, "scaled by their own"),
    ("standardise", lambda a, b: ((a - a.mean(0)) / a.std(0), (b - a.mean(0)) / a.std(0)), "divide by 1 there"),
    ("standardise", lambda a, b: ((a - a.mean()) / a.std(), (b - a.mean()) / a.std()), "axis 0"),
    ("standardise", lambda a, b: (a - a.mean(0), b - a.mean(0)), "nothing is divided"),
    ("standardise", lambda a, b: (standardise(a, b)[0], b), "the test rows are not"),
    ("residual", lambda x, r: np.abs(x - r).reshape(len(x), -1).mean(1), "mean over the pixels"),
    ("residual", lambda x, r: -l1(x, r), "sign is wrong"),
    ("residual", lambda x, r: (x - r).reshape(len(x), -1).sum(1), "cancel out"),
    ("residual", lambda x, r: np.square(x - r).reshape(len(x), -1).sum(1), "squares"),
    ("residual", lambda x, r: np.linalg.norm((x - r).reshape(len(x), -1), axis=1), "Euclidean"),
    ("residual", lambda x, r: np.abs(x - r).sum(), "one number for all"),
    ("residual", lambda x, r: np.abs(x - r).sum(1), "shape"),
    ("residual", lambda x, r: np.abs(x - r).sum((1, 2, 3)), "AxisError"),
    ("cross_entropy", lambda a: -np.log(sigmoid(a)), "not finite"),
    ("cross_entropy", lambda a: -np.log(sigmoid(a) + 1e-12), "cut off"),
    ("cross_entropy", lambda a: -np.logaddexp(0, -a), "sign is wrong"),
    ("cross_entropy", lambda a: np.logaddexp(0, a), "-log(1 - D)"),
    ("cross_entropy", sigmoid, "logarithm is missing"),
    ("cross_entropy", lambda a: 1 - sigmoid(a), "-log D"),
    ("egbad_score", lambda r, f, g, w: w * r + (1 - w) * l1(f, g), "exchanged"),
    ("egbad_score", lambda r, f, g, w: -(1 - w) * r - w * l1(f, g), "sign is wrong"),
    ("egbad_score", lambda r, f, g, w: (1 - w) * r + w * np.abs(f - g).mean(1), "averaged"),
    ("egbad_score", lambda r, f, g, w: (1 - w) * r + w * np.square(f - g).sum(1), "squared"),
    ("egbad_score", lambda r, f, g, w: (1 - w) * r + w * (f - g).sum(1), "cancel out"),
    ("egbad_score", lambda r, f, g, w: r + w * l1(f, g), "1 - w"),
    ("egbad_score", lambda r, f, g, w: r + l1(f, g), "not used"),
    ("egbad_score", lambda r, f, g, w: (1 - w) * r, "features are not used"),
    ("egbad_score", lambda r, f, g, w: 0.9 * r + 0.1 * l1(f, g), "w = .1 only"),
    ("average_precision", lambda y, s: average_precision(y, -s), "begins with the lowest"),
    ("average_precision", lambda y, s: average_precision(1 - y, s), "0 for the anomaly"),
    ("average_precision", trapezoid, "trapezoids"),
    ("average_precision", by_order, "order of the samples"),
    ("average_precision", lambda y, s: y[s > np.median(s)].mean(), ".833, and yours 0.500"),
    ("average_precision", lambda y, s: average_precision(y, np.sort(s)[::-1]), "stay together"),
    ("choose_threshold", best_f1, "chosen on test data"),
    ("choose_threshold", lambda n, t, c: np.quantile(n, c), "other end"),
    ("choose_threshold", lambda n, t, c: np.percentile(n, 1 - c), "np.percentile to 100"),
    ("choose_threshold", lambda n, t, c: n.max(), "0.0% of the normal scores"),
    ("choose_threshold", lambda n, t, c: np.quantile(n, 0.9), "25% were asked for"),
    ("leave_one_out", leaky(part=with_anomalies), "must not be among them"),
    ("leave_one_out", leaky(scale=pooled), "by themselves"),
    ("leave_one_out", leaky(scale=lambda a, b: (a, b)), "standardise them"),
    ("leave_one_out", leaky(measure=lambda y, s: average_precision(y, -s)), "average precision of"),
    ("leave_one_out", leaky(part=lambda y, c, s: tuple(part[:-9] for part in split(y, c, s))), "have to be used"),
    ("leave_one_out", lambda x, y, fit, s: {0: leaky()(x, y, fit, s)[0]}, "each class of y"),
    ("leave_one_out", lambda x, y, fit, s: dict.fromkeys(range(5), 1.0), "a training and a test of its own"),
    ("leave_one_out", lambda x, y, fit, s: list(leaky()(x, y, fit, s).values()), "dictionary"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "answer", "words"), WRONG, ids=[f"{case[0]}-{case[2]}" for case in WRONG])
def test_a_wrong_answer_gets_the_hint_that_fits(name, answer, words):
    assert words in (hint(name, answer) or "right")


def test_an_answer_that_changes_what_it_is_given_is_judged_by_what_it_gives_back():
    def in_place(x, reconstructed):
        x -= reconstructed
        return np.abs(x).reshape(len(x), -1).sum(1)

    assert hint("residual", in_place) is None


@pytest.mark.slow
def test_a_loop_without_an_end_is_ended(monkeypatch):
    monkeypatch.setattr("ganad_book.assignment.sheet._SECONDS", 1)

    def endless(*_):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                pass

    assert "without an end" in hint("residual", endless)  # and is told so: it was ended


def test_a_sheet_counts_the_last_check_of_each_task(capsys):
    sheet = Sheet()
    sheet.check(3, right.residual)
    assert sheet.points == 2 and sheet.done(3)
    assert "task 3, residual: right (2 of 2)\n" in capsys.readouterr().out
    sheet.check(3, lambda *_: None)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    sheet.check(4, lambda *_: None)
    assert sheet.points == 0 and not sheet.done(1, 3)
    assert capsys.readouterr().out.endswith("waits for task 1, 3\n")
    for number, task in enumerate(TASKS, 1):
        sheet.check(number, getattr(right, task.name))
    assert sheet.points == sum(task.points for task in TASKS) == 20
    assert repr(sheet).splitlines()[-1].endswith("20 of 20")


def test_the_packages_example_is_true():
    assert doctest.testmod(ganad_book.assignment).failed == 0


def test_a_task_that_is_not_there_is_refused(refused):
    with refused(ValueError, "tasks 1 to 8, no task 9"):
        Sheet().check(9, print)


def test_regrading_writes_a_hint_for_every_task(tmp_path: Path):
    regrade({"split": split, "residual": 7}, 3, tmp_path / "x.json")
    hints = json.loads((tmp_path / "x.json").read_text())
    assert list(hints) == list(BY_NAME) and hints["split"] is None and "no function residual" in hints["residual"]


@pytest.mark.slow
def test_the_parts_make_the_packages_own_score(pictures):
    from ganad.detectors import EGBAD

    x = pictures[:64] / 127.5 - 1
    detector = EGBAD(epochs=1, width=0.1, latent_dim=4, batch_size=32).fit(x.astype(np.float32))
    parts = egbad_parts(detector, x.astype(np.float32))
    score = right.egbad_score(
        right.residual(x, parts["reconstructed"]), parts["real_features"], parts["made_features"], 0.1
    )
    assert np.allclose(score, detector.decision_function(x.astype(np.float32)), rtol=1e-3)
    cross = detector.rescored(x.astype(np.float32), anomaly_score="cross_entropy", score_weight=1.0)
    assert np.allclose(right.cross_entropy(parts["logits"]), cross.decision_function(x.astype(np.float32)), rtol=1e-3)


def test_the_notebook_asks_every_task_and_answers_none():
    cells = notebooks.code_cells(notebooks.read(NOTEBOOK))
    answers = [cell for cell in cells if "answer" in cell.metadata.get("tags", ())]
    assert [cell.source.split("(")[0].removeprefix("def ") for cell in answers] == list(BY_NAME)
    assert all(cell.source.endswith("...  # your answer") for cell in answers)
    checks = [cell for cell in cells if cell.source.startswith("sheet.check(")]
    assert len(checks) == len(TASKS)
    assert all(": not yet (0 of " in cell.outputs[0].text for cell in checks)
    assert cells[-1].outputs[0].data["text/plain"].endswith(" 0 of 20")
