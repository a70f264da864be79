"""How nbval compares a chapter's kept outputs with fresh ones: `pytest --nbval book`.

Two machines do not train to the same last digit, so numbers are compared, not digits.  Rounding both sides would not
do: .5004 and .5006 are close, and round to .500 and .501.  Here two numbers agree if they are within .5 % of each other
(three significant digits), or, written with a decimal point, within one unit of the last digit shown.  All else in a
text must be the same, but for white space.  What an adversarial training decides is no digit: on another processor the
same seed leads elsewhere (an AUPRC of .36 here is .56 with other matrix kernels), so a cell tagged `trained` may differ
by 35 %, or .35.  Where one training settles not even that (an AUPRC of .78 here is .28 with other kernels), the cell
is tagged `unsettled` as well: a share has to be a share, and every other number as close as before.  Not compared: pictures, stderr, durations, addresses.  A cell whose output
is the log of a training is tagged `nbval-ignore-output`.
"""

import os
import re
from pathlib import Path

import pytest
import yaml

for name, value in {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}.items():
    os.environ.setdefault(name, value)
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

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


class Trained(Alike):
    """The same for numbers that a training decides."""

    __hash__ = str.__hash__
    slack = 0.35, 0.35


class Unsettled(Trained):
    """The same where a share, a number from 0 to 1 with a decimal point, may be any other share."""

    __hash__ = str.__hash__

    def agree(self, one: str, other: str) -> bool:
        """Whether two written numbers may stand for each other."""
        return all(map(share, (one, other))) or super().agree(one, other)


def share(number: str) -> bool:
    """Whether a written number is one from 0 to 1 with a decimal point."""
    return "." in number and 0 <= float(number) <= 1


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


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Tell nbval what it need not compare."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMPARED


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let nbval compare texts as above: it passes each through `sanitize` first."""
    if not hasattr(item, "sanitize"):
        return
    tags = item.cell.metadata.get("tags", ())
    kind = Unsettled if "unsettled" in tags else Trained if "trained" in tags else Alike
    item.sanitize = lambda text: kind(text) if isinstance(text, str) else text
    if item.cell.source.rstrip().endswith(";"):
        # the semicolon hides the cell's value from a notebook, not from nbval
        compare = item.compare_outputs
        item.compare_outputs = lambda test, ref: compare([out for out in test if "execution_count" not in out], ref)


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
