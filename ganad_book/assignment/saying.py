"""What the checks share: comparing an answer with what would be right and with what is usually wrong."""

from typing import Any

import numpy as np

NOTHING = "It gives back nothing: write it, and end with `return`."


def like(given: Any, wanted: Any) -> bool:
    """Whether two arrays, or numbers, are of one shape and close."""
    try:
        found = np.asarray(given, float)
    except (TypeError, ValueError):
        return False
    return found.shape == np.shape(wanted) and bool(np.allclose(found, wanted, rtol=1e-4, atol=1e-6))


def first(given: Any, *known: tuple[Any, str | None], other: str) -> str | None:
    """The hint beside the first value that the answer is like; ``other`` if it is like none."""
    return next((hint for value, hint in known if like(given, value)), other)


def one_each(given: Any, count: int) -> str | None:
    """A hint unless there is one number for each sample."""
    if given is None:
        return NOTHING
    shape = np.shape(given)
    if shape == ():
        return "It gives back one number for all samples: a score is one number for each, (N,)."
    if shape != (count,):
        return f"It gives back an array of shape {shape}; for {count} samples it has to be {(count,)}."
    return None


def pair(given: Any, what: str) -> str | None:
    """A hint unless there are two things."""
    if given is None:
        return NOTHING
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        return f"It has to give back two arrays: {what}."
    return None
