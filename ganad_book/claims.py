"""Sentences that compare results, each with the comparison it rests on."""

import os
from typing import Any

STRICT = "GANAD_CLAIMS"
"""Environment variable; ``strict`` makes a claim that does not hold an error, as in the book's own tests."""


class ClaimError(AssertionError):
    """A sentence of the book is not what the results beside it say."""


def claim(sentence: str, holds: Any) -> None:
    """Check a sentence of the page against the results it speaks of.

    A reader who runs the chapter with other parameters is told where its text no longer fits; the book's tests fail.

    Parameters
    ----------
    sentence : str
        What the page says, in a line.
    holds : bool
        The comparison: over several seeds, or over stored rows; never over one training run.

    Raises
    ------
    ClaimError
        If it does not hold and the environment has ``GANAD_CLAIMS=strict``.
    """
    if bool(holds):
        return
    if os.environ.get(STRICT) == "strict":
        raise ClaimError(f"the page says: {sentence}")
    print(f"With these parameters the text does not hold here: {sentence}")
