"""What each defect of published code does to a result, from the rows of ``results/survey.csv``."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ganad.metrics import Interval, interval
from ganad_book.results.comparison import DATA
from ganad_book.sweep.defects import DEFECTS, Defect


@dataclass(frozen=True)
class Effect:
    """A defect's figures on one data set, beside its control's: a value for each seed that has both."""

    variant: str
    dataset: str
    chance: float
    control: tuple[float, ...]
    found: tuple[float, ...]

    @property
    def defect(self) -> Defect:
        """What it is."""
        return DEFECTS[self.variant]

    @property
    def difference(self) -> Interval:
        """Of the two, seed by seed."""
        return interval([found - control for found, control in zip(self.found, self.control, strict=True)])


def effects(table: pd.DataFrame) -> Iterator[Effect]:
    """What each defect did on each data set it was tried on, from the rows of ``results/survey.csv``."""
    for variant, defect in DEFECTS.items():
        for dataset, rows in sorted(table[table["variant"] == variant].groupby("dataset"), reverse=True):
            controls = table[(table["dataset"] == dataset) & (table["variant"] == f"control: {defect.control}")]
            both = rows.merge(controls, on=["detector", "anomaly_class", "seed"], suffixes=("", "_control"))
            column = defect.column
            if len(both):
                yield Effect(
                    variant, dataset, both["prevalence"].iloc[0], tuple(both[f"{column}_control"]), tuple(both[column])
                )


def effects_table(table: pd.DataFrame) -> pd.DataFrame:
    """:func:`effects` to read: means over the seeds, and the difference with its 95 % interval."""
    rows = [
        {
            "method": effect.defect.method,
            "defect": effect.variant,
            "data": DATA.get(effect.dataset, effect.dataset),
            "measure": effect.defect.column.upper(),
            "control": f"{interval(effect.control).mean:.3f}",
            "with it": f"{interval(effect.found).mean:.3f}",
            "difference": f"{effect.difference:+.3f}".replace("± +", "± ").replace("-", "\N{MINUS SIGN}"),
            "seeds": len(effect.found),
        }
        for effect in effects(table)
    ]
    return pd.DataFrame(rows)
