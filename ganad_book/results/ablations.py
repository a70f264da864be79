"""The survey's own configurations (its Tables 1 and 2), and what each change of an improved detector brings."""

import numpy as np
import pandas as pd

from ganad_book.results import comparison, display, reported
from ganad_book.results.comparison import IMPROVED, REFERENCE, pick

EGBAD = ("brtb", "brtf", "frtb", "frtf", "btb", "btf", "ftb", "ftf")
"""Table 1 times two scores: training loss (b, f), r with the residual loss in E, t, score (b, f)."""

GANOMALY = ("bce", "fm")
"""Table 2."""

CONFIGURATIONS = {"egbad": EGBAD, "ganomaly": GANOMALY}

_LOSS = {"b": "cross-entropy", "f": "feature matching"}

QUESTIONS = {
    "residual loss in E": ("egbad", [(f"{a}rt{b}", f"{a}t{b}") for a in "bf" for b in "bf"]),
    "training by feature matching": ("egbad", [(f"f{r}t{b}", f"b{r}t{b}") for r in ("r", "") for b in "bf"]),
    "score by feature matching": ("egbad", [(f"{a}{r}tf", f"{a}{r}tb") for a in "bf" for r in ("r", "")]),
    "GANomaly: training by feature matching": ("ganomaly", [("fm", "bce")]),
}
"""What the configurations were made to tell: pairs that differ in one thing, with it and without."""


def described(name: str) -> dict[str, str]:
    """A configuration's letters in words."""
    if name in GANOMALY:
        return {"trained by": _LOSS[name[0]], "residual loss": display.NOTHING, "scored by": "the two codes"}
    return {
        "trained by": _LOSS[name[0]],
        "residual loss": "in E" if "r" in name else "none",
        "scored by": _LOSS[name[-1]],
    }


def configurations(table: pd.DataFrame, dataset: str, detector: str) -> pd.DataFrame:
    """The configurations of a detector: ours over the classes that have run, the survey's over the same and over all ten.

    Columns: ``name, seeds, classes, mean, low, high, auroc, survey, survey_ten, chance``.
    """
    means, curves = (pick(comparison.over_classes(table, m), dataset=dataset, detector=detector) for m in _MEASURES)
    found = []
    for name in CONFIGURATIONS[detector]:
        own, curve = pick(means, configuration=name), pick(curves, configuration=name)
        row = own.iloc[0].to_dict() if len(own) else {}
        series = reported.configuration(dataset, detector, name)
        found.append(
            {"name": name, "seeds": row.get("seeds", 0), "classes": row.get("classes", 0)}
            | {column: row.get(column, np.nan) for column in ("mean", "low", "high")}
            | {"auroc": curve["mean"].iloc[0] if len(curve) else np.nan, "survey": row.get("published", np.nan)}
            | {"survey_ten": series.mean if series else np.nan, "chance": row.get("prevalence", np.nan)}
        )
    return pd.DataFrame(found)


_MEASURES = ("auprc", "auroc")


def configurations_table(table: pd.DataFrame, dataset: str, detector: str) -> pd.DataFrame:
    """:func:`configurations` to read."""
    return pd.DataFrame(
        [
            {"": row["name"]}
            | described(row["name"])
            | {"classes": str(row["classes"]) if row["classes"] else display.NOTHING}
            | {"seeds": display.behind(detector, [row["seeds"]]) if row["seeds"] else display.NOTHING}
            | {"AUPRC": display.cell(row, 3), "survey, same classes": display.brief(row["survey"], digits=3)}
            | {"survey, all ten": display.brief(row["survey_ten"], digits=3)}
            | {"chance": display.brief(row["chance"], digits=3), "AUROC": display.brief(row["auroc"], digits=3)}
            for _, row in configurations(table, dataset, detector).iterrows()
        ]
    )


def answers(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """For each of :data:`QUESTIONS`: every gain in AUPRC, a class of a pair each, of ours and of the survey's figures.

    Columns: ``question, ours, survey, survey_ten, seeds, label``; ``survey`` over the classes of ours, ``survey_ten`` over all;
    ``seeds`` is the most that any of our pairs has, ``label`` the question, with "one seed" where ours have no more.
    """
    found = []
    for question, (detector, pairs) in QUESTIONS.items():
        ours, same, ten, seeds = [], [], [], 0
        for pair in pairs:
            seen = comparison.difference(table, dataset, detector, *pair)
            gains = seen["gains"]
            seeds = max(seeds, seen["found"].count if seen["found"] else 0)
            ours += gains.values()
            series = [reported.configuration(dataset, detector, name) for name in pair]
            if all(series):
                theirs = np.subtract(series[0].auprc, series[1].auprc)
                ten += theirs.tolist()
                same += theirs[list(gains)].tolist()
        found.append(
            {"question": question, "ours": ours, "survey": same, "survey_ten": ten, "seeds": seeds}
            | {"label": question + " (ours: one seed)" * (seeds == 1)}
        )
    return pd.DataFrame(found)


def answers_table(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """:func:`answers` to read: the mean gain over classes and pairs, and in how many of the comparisons it is a gain."""
    columns = {"ours": "ours", "survey": "survey, same classes", "survey_ten": "survey, all ten"}
    rows = [
        {"": row["label"]} | {title: _gain(row[column]) for column, title in columns.items()}
        for _, row in answers(table, dataset).iterrows()
    ]
    return pd.DataFrame(rows)


def _gain(gains: list[float]) -> str:
    if not gains:
        return display.NOTHING
    return f"{signed(float(np.mean(gains)))}, higher in {sum(gain > 0 for gain in gains)} of {len(gains)}"


def signed(value: float) -> str:
    """``+.034``, ``−.120``."""
    return ("+" if value > 0 else "") + display.brief(value, digits=3)


def changes(table: pd.DataFrame, dataset: str, detector: str, measure: str = "auprc") -> pd.DataFrame:
    """What the improved configuration has over the reference, and over itself with one change undone.

    Columns: ``change, gains, seeds, label``; ``gains`` by class, ``label`` is the change, with "one seed" where there is no more.
    """
    runs = pick(comparison.image_runs(table, dataset=dataset), detector=detector)
    undone = sorted({name for name in runs["configuration"] if name.startswith(f"{IMPROVED} without ")})
    found = []
    for name in (REFERENCE, *undone):
        seen = comparison.difference(table, dataset, detector, IMPROVED, name, measure)
        change = "all changes together" if name == REFERENCE else name.removeprefix(f"{IMPROVED} without ")
        if seen["found"] is not None:
            seeds = seen["found"].count
            name = change + " (one seed)" * (seeds == 1)
            found.append({"change": change, "gains": seen["gains"], "seeds": seeds, "label": name})
    return pd.DataFrame(found, columns=["change", "gains", "seeds", "label"])


def changes_table(table: pd.DataFrame, dataset: str, detector: str) -> pd.DataFrame:
    """:func:`changes` to read, in AUPRC and AUROC."""
    both = [changes(table, dataset, detector, measure) for measure in _MEASURES]
    rows = [
        {"": row["change"], "classes": str(len(row["gains"])), "seeds": display.behind(detector, [row["seeds"]])}
        | {"gain in AUPRC": _gain(list(row["gains"].values())), "gain in AUROC": _gain(list(other["gains"].values()))}
        for (_, row), (_, other) in zip(both[0].iterrows(), both[1].iterrows(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["", "classes", "seeds", "gain in AUPRC", "gain in AUROC"])
