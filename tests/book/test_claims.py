"""Sentences that compare results: the check itself, where the chapters keep theirs, and those of the notes for instructors."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable

import nbformat
import numpy as np
import pandas as pd
import pytest
from small_book import ROOT

from ganad import metrics
from ganad_book import claims, notebooks
from ganad_book.claims import ClaimError, claim
from ganad_book.results import ablations, comparison, defects, reported, verdicts
from ganad_book.sweep import images, results
from tools.book.project import Book

BOOK = Book(ROOT)
NOTES = ROOT / "book" / "teaching" / "notes.md"
COMPARING = [
    chapter for chapter in BOOK.chapters if chapter.rpartition("/")[2] not in ("assignment", "one-run", "many-runs")
]
"""The chapters whose text compares results."""


# ---- the check


def test_a_claim_that_holds_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    for mode in ("", "strict"):
        monkeypatch.setenv(claims.STRICT, mode)
        claim("two is more than one", 2 > 1)
        claim("so says NumPy", np.float64(2) > 1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [False, np.False_, np.nan > 0, 0, [], None])
def test_strict_raises(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(claims.STRICT, "strict")
    with pytest.raises(ClaimError, match="the page says: one is more than two"):
        claim("one is more than two", value)


@pytest.mark.parametrize("mode", [None, "", "0", "yes"])
def test_else_it_prints_one_line(
    mode: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.delenv(claims.STRICT, raising=False)
    if mode is not None:
        monkeypatch.setenv(claims.STRICT, mode)
    assert claim("one is more than two", 1 > 2) is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and said.endswith(": one is more than two\n")


def test_an_array_has_to_be_reduced_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(claims.STRICT, "strict")
    with pytest.raises(ValueError, match="ambiguous"):
        claim("each is more", np.array([True, False]))


def test_the_check_needs_no_framework() -> None:
    code = (
        "import sys, ganad_book.claims; sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# ---- the chapters


def code_cells(chapter: str) -> list[nbformat.NotebookNode]:
    """The chapter's code cells."""
    return notebooks.code_cells(notebooks.read(BOOK.notebook(chapter)))


def claims_of(cell: nbformat.NotebookNode) -> list[ast.Call]:
    """The calls of ``claim`` in a cell."""
    calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "claim"]


def imports_claim(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell imports the check."""
    nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
    return any(
        node.module == "ganad_book.claims" and any(name.name == "claim" for name in node.names) for node in nodes
    )


@pytest.mark.parametrize("chapter", COMPARING)
def test_a_chapter_that_compares_keeps_its_claims(chapter: str) -> None:
    assert sum(len(claims_of(cell)) for cell in code_cells(chapter)) >= 1


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_claim_cells_are_hidden_and_silent(chapter: str) -> None:
    imported = False
    for cell in code_cells(chapter):
        imported = imported or imports_claim(cell)
        if claims_of(cell):
            assert imported, f"ganad_book.claims is not imported before: {cell.source[:80]}"
            assert "remove-cell" in cell.metadata.get("tags", []), f"not hidden: {cell.source[:80]}"
            assert cell.outputs == [], f"it says something: {cell.source[:80]}"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_claims_are_sentences_about_comparisons(chapter: str) -> None:
    for cell in code_cells(chapter):
        for call in claims_of(cell):
            sentence, holds = call.args
            assert isinstance(sentence, ast.JoinedStr) or len(sentence.value.split()) >= 3, ast.unparse(call)
            assert not isinstance(holds, ast.Constant), f"always holds: {ast.unparse(call)}"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_what_depends_on_training_has_its_ranges(chapter: str) -> None:
    ranged = {cell.id for cell in code_cells(chapter) if "ranged" in cell.metadata.get("tags", [])}
    path = BOOK.notebook(chapter).with_suffix(".ranges.json")
    measured = json.loads(path.read_text("utf-8"))["cells"] if path.exists() else {}
    assert ranged == set(measured), "tools/stability.py chapter"
    for cell in code_cells(chapter):
        assert not {"trained", "unsettled"} & set(cell.metadata.get("tags", []))


# ---- the notes for instructors


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The book's own results, whatever folder the tests run in."""
    return results.read(ROOT / "results" / "survey.csv")


def kdd_f1(table: pd.DataFrame, variant: str) -> pd.Series:
    """F1 of the seeds of a variant on KDD."""
    return comparison.pick(table, dataset="kddcup99", variant=variant)["f1"]


def without_residual_loss(table: pd.DataFrame) -> bool:
    """F1 of the stable variant without the residual loss."""
    return kdd_f1(table, "stable, no residual loss").max() < 0.2 < kdd_f1(table, "stable").min()


def nearest_against_stable(table: pd.DataFrame) -> bool:
    """The nearest neighbour on KDD, beside every run of stable EGBAD."""
    return kdd_f1(table, "1-NN").min() > kdd_f1(table, "stable").max() and len(kdd_f1(table, "stable")) >= 10


def nearest_against_all(table: pd.DataFrame) -> bool:
    """The nearest neighbour on KDD, beside the mean of every variant on the survey's split."""
    means = table[table["dataset"] == "kddcup99"].groupby("variant")["f1"].mean()
    return means.idxmax() == "1-NN"


def barely_above_chance(table: pd.DataFrame) -> bool:
    """0.4 lies within a twentieth of the prevalence of the images, and far above 0.1."""
    prevalence = comparison.image_runs(table, dataset="mnist")["prevalence"].mean()
    return abs(prevalence - 0.357) < 0.02 and 0 < 0.4 - 0.357 < 0.05


def floor(_: pd.DataFrame) -> bool:
    """Of AUPRC at the protocol's prevalence."""
    return abs(metrics.auprc_floor(0.357) - 0.205) < 5e-4


def digit_one(_: pd.DataFrame) -> bool:
    """The survey's GANomaly bar, and chance."""
    chance = 7877 / (7877 + 0.2 * 62_123)
    return abs(reported.figure_5("mnist", "ganomaly")[1] - 0.25) < reported.READING_ERROR and abs(chance - 0.39) < 0.005


def widths(_: pd.DataFrame) -> bool:
    """Half of the interval of three and of ten seeds, in deviations."""
    found = [metrics.interval(np.arange(count)) for count in (3, 10)]
    half = [(each.high - each.low) / 2 / each.deviation for each in found]
    return np.allclose(half, [2.48, 0.72], atol=0.005)


def best_of_eight(_: pd.DataFrame) -> bool:
    """The expected largest of eight standard normal numbers."""
    return abs(np.random.default_rng(0).standard_normal((200_000, 8)).max(1).mean() - 1.42) < 0.01


def mean_gains(table: pd.DataFrame) -> bool:
    """Of the survey's configurations, ours, one seed each."""
    gains = [np.mean(gains) for gains in ablations.answers(table, "mnist")["ours"]]
    seeds = [set(ablations.configurations(table, "mnist", name)["seeds"]) for name in ablations.CONFIGURATIONS]
    return max(map(abs, gains)) < 0.01 and seeds == [{1}, {1}]


def rule_of_the_verdict(_: pd.DataFrame) -> bool:
    """Reproduced by three seeds, not by ten with the same mean and deviation."""
    three = metrics.interval([0.71, 0.74, 0.77])
    ten = metrics.interval(0.74 + 0.03 * np.array([-1, 1] * 5) * np.sqrt(9 / 10))
    said = [verdicts.verdict(found, 0.80) for found in (three, ten)]
    return np.isclose(three.deviation, ten.deviation) and said == [verdicts.REPRODUCED, verdicts.NOT_REACHED]


def improved_egbad(table: pd.DataFrame) -> bool:
    """Level with the mean of MNIST, by ten changed settings, and counted apart."""
    judged = verdicts.figure_5(table, ["improved"])
    names = ("MNIST", "EGBAD", "mean of 10 classes")
    (mean,) = [each for each in judged if (each.data, each.detector, each.anomaly) == names]
    reproduced = verdicts.tally({"": judged}).astype(int).to_numpy().sum()
    return (mean.verdict, reproduced, len(images.EGBAD_IMPROVED)) == (verdicts.LEVEL, 0, 10)


def leak(table: pd.DataFrame) -> bool:
    """An EGBAD at chance without the leak, and an effect that may be none."""
    effect = next(each for each in defects.effects(table) if each.variant == "leaked test normals")
    at_chance = abs(np.mean(effect.control) - effect.chance) < 0.02
    return effect.difference.low < 0 < effect.difference.high and at_chance


def watched(_: pd.DataFrame) -> bool:
    """Training curves of KDD: their highest values, their jumps, and where they end."""
    rows = pd.read_csv(ROOT / "results" / "kdd_curves.csv").sort_values("epoch")
    rows["jump"] = rows.groupby(["variant", "seed"])["f1"].diff()
    runs = rows.groupby(["variant", "seed"])
    highest, ends = runs["f1"].max(), runs["f1"].last()
    wild = highest["scaled columns"].sort_values()
    jumps = rows[(rows["variant"] == "scaled columns") & (rows["seed"] == wild.index[-1])]["jump"]
    settled = ends["stable"].min() > 0.94 and (highest - ends)["stable"].max() < 0.01
    return len(wild) == 3 and wild.iloc[1] < 0.1 and jumps.max() > 0.5 and jumps.min() < -0.5 and settled


CHECKS: dict[str, Callable[[pd.DataFrame], bool]] = {
    "the F1 of the stable variant stays below 0.2 in every seed": without_residual_loss,
    "On KDD the nearest neighbour is better than every run of the stable variant": nearest_against_stable,
    "the nearest neighbour is better than every detector of the chapter in the mean": nearest_against_all,
    "barely above chance at a prevalence of 0.357": barely_above_chance,
    "At the protocol's prevalence the floor is 0.205": floor,
    "GANomaly's bar for the digit 1 is 0.25, chance 0.39": digit_one,
    "the interval is 2.48 deviations wide to each side. What would ten give?* 0.72": widths,
    "1.42 deviations": best_of_eight,
    "Our mean gains are within 0.01 of zero, and come from one seed": mean_gains,
    "Three seeds 0.71, 0.74, 0.77, published 0.80: reproduced?": rule_of_the_verdict,
    "The improved EGBAD is level with the survey's mean of MNIST": improved_egbad,
    "fifteen defects": lambda table: len({effect.variant for effect in defects.effects(table)}) == 15,
    "This EGBAD is at chance even without the leak": leak,
    "two never rise and one jumps up and down, while three of the stable variant settle": watched,
}
"""What the notes say, and the rows it rests on."""


@pytest.mark.parametrize("sentence", CHECKS)
def test_the_notes_say_what_the_results_say(sentence: str, table: pd.DataFrame) -> None:
    assert sentence in NOTES.read_text("utf-8"), "the notes changed: change the check with them"
    assert CHECKS[sentence](table), "the results changed: change the notes"


def test_a_check_of_the_notes_can_fail(table: pd.DataFrame) -> None:
    other = table.assign(f1=1 - table["f1"])
    for check in (without_residual_loss, nearest_against_stable, nearest_against_all):
        assert check(table) and not check(other)
