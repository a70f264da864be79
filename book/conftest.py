"""How nbval compares a chapter's kept outputs with fresh ones: `pytest --nbval book`.

Two machines do not train to the same last digit, so numbers are compared, not digits.  Rounding both sides would not
do: .5004 and .5006 are close, and round to .500 and .501.  Here two numbers agree if they are within .5 % of each other
(three significant digits), or, written with a decimal point, within one unit of the last digit shown.  All else in a
text must be the same, but for white space.  What an adversarial training decides is no digit: on another processor the
same seed leads elsewhere.  A cell that shows such results, of several seeds, is tagged `ranged`: each of its numbers has to
lie where 30 runs with other last bits in the initial weights had it, as noted in `CHAPTER.ranges.json` by
`tools/stability.py`, with half the range as a margin on either side.  Not compared: pictures, stderr, durations,
addresses.  A cell whose output is the log of a training is tagged `nbval-ignore-output`.
"""

import csv
import json
import os
import re
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

QUIET_AND_STRICT = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "GANAD_CLAIMS": "strict"}
NUMBER = re.compile(r"[-+−]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
SPARED = [
    re.compile(r"<Figure size [^>]*>"),
    re.compile(r"0x[0-9a-f]{6,}"),
    re.compile(r"\bT_[0-9a-f]{5}"),  # pandas names a styled table anew each time
    re.compile(r"[\d.,]+ ?(?:[µmn]?s|min|seconds|minutes|hours|(?:rows|steps|it)/s)\b"),
]
NOT_COMPARED = ("stderr", "image/png", "image/jpeg", "image/svg+xml")


class Alike(str):
    """A text that equals another if their words are the same and their numbers close."""

    __hash__ = str.__hash__
    slack = 0.005, 0.0

    def __eq__(self, other: object) -> bool:
        words, numbers = taken_apart(self)
        other_words, other_numbers = taken_apart(str(other))
        return words == other_words and all(self.agree(*pair) for pair in zip(numbers, other_numbers, strict=True))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def agree(self, one: str, other: str) -> bool:
        """Whether two written numbers may stand for each other."""
        return close(one, other, *self.slack)


class Ranged(Alike):
    """A text that equals another if their words are the same and all numbers of both lie within their ranges.

    Attributes
    ----------
    ranges : dict of str to list of [float, float]
        From the words of each text of the cell to the lowest and highest value of each of its numbers.
    runs : int
        How many runs they are of.
    """

    __hash__ = str.__hash__
    ranges: ClassVar[dict[str, list]] = {}
    runs: ClassVar[int] = 30

    def __eq__(self, other: object) -> bool:
        words, numbers = taken_apart(self)
        other_words, other_numbers = taken_apart(str(other))
        known = self.ranges.get(words, [])
        if words != other_words or len(known) != len(numbers):
            return False
        return all(
            within(each, *ends, self.runs)
            for side in (numbers, other_numbers)
            for each, ends in zip(side, known, strict=True)
        )


def within(number: str, lowest: float, highest: float, runs: int = 30) -> bool:
    """Whether a written number lies in a range that is widened on either side.

    By half its width, and by a unit of the last digit; where fewer than 30 runs were made, by more of its width.
    """
    margin = (0.5 if runs >= 30 else 1.5) * (highest - lowest) + 1.001 * last_digit(number)
    return lowest - margin <= float(number) <= highest + margin


def measured(notebook: Path) -> dict:
    """What was measured for a chapter: ``runs``, and the ranges of its ``cells``, by their ids."""
    path = notebook.with_suffix(".ranges.json")
    return json.loads(path.read_text("utf-8")) if path.exists() else {"runs": 0, "cells": {}}


def taken_apart(text: str) -> tuple[str, list[str]]:
    """A text without its numbers, white space and what is not compared; and the numbers, as they are written."""
    for pattern in SPARED:
        text = pattern.sub("", text)
    words = re.sub(r"\s+|-{3,}|─+|━+", "", NUMBER.sub("#", text))  # a table's rules are as long as its widest number
    return words, [number.replace(",", "").replace("−", "-") for number in NUMBER.findall(text)]


def close(one: str, other: str, relative: float = 0.005, absolute: float = 0.0) -> bool:
    """Whether two written numbers agree: relatively, absolutely, or within a unit of the last digit shown."""
    a, b = float(one), float(other)
    unit = 1.001 * min(last_digit(one), last_digit(other))
    return abs(a - b) <= max(relative * max(abs(a), abs(b)), absolute, unit)


def last_digit(number: str) -> float:
    """What one unit of the last digit is worth: 0.01 for "0.25"; 0 for a whole number, which is exact or .5 % off."""
    digits, _, power = number.lower().partition("e")
    _, point, fraction = digits.partition(".")
    return 10.0 ** (int(power or 0) - len(fraction)) if point and fraction or power else 0.0


def pytest_configure() -> None:
    """The environment of the chapters' kernels: set when their check is run, not when this file is imported."""
    os.environ |= QUIET_AND_STRICT | dict(os.environ) | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Tell nbval what it need not compare."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMPARED


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let nbval compare texts as above: it passes each through `sanitize` first."""
    if not hasattr(item, "sanitize"):
        return
    kind: type[Alike] = Alike
    if "ranged" in item.cell.metadata.get("tags", ()):
        # the HTML of a table says the same as its text
        known = measured(Path(item.parent.path))
        own = {"ranges": known["cells"].get(item.cell.get("id"), {}), "runs": known["runs"], "__hash__": str.__hash__}
        kind = type("Ranged", (Ranged,), own)
        item.compare_outputs = partial(item.compare_outputs, skip_compare=(*item.parent.skip_compare, "text/html"))
    item.sanitize = lambda text: kind(text) if isinstance(text, str) else text
    if item.cell.source.rstrip().endswith(";"):
        # the semicolon hides the cell's value from a notebook, not from nbval
        compare = item.compare_outputs
        item.compare_outputs = lambda test, ref: compare([out for out in test if "execution_count" not in out], ref)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest chapters first, so that at the end no process is left alone with one."""
    file = Path(__file__).parent.parent / "profiles" / "measured.csv"
    rows = csv.DictReader(file.read_text("utf-8").splitlines()) if file.exists() else ()
    took = {Path(row["chapter"]).name: float(row["seconds"]) for row in rows}
    items.sort(key=lambda item: -took.get(item.path.stem, 0))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """A notebook that is not in the table of contents is nobody's chapter: it is not run."""
    toc = Path(__file__).parent.parent / "_toc.yml"
    if collection_path.suffix != ".ipynb" or not toc.exists():
        return None
    chapter = collection_path.relative_to(toc.parent).with_suffix("").as_posix()
    return None if chapter in set(files(yaml.safe_load(toc.read_text("utf-8")))) else True


def files(toc: object) -> list[str]:
    """Every `file:` of a table of contents."""
    if isinstance(toc, dict):
        return [toc["file"]] if "file" in toc and len(toc) == 1 else [f for value in toc.values() for f in files(value)]
    return [f for item in toc for f in files(item)] if isinstance(toc, list) else []
