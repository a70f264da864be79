"""What a row of the results was made by: the revision of its method, and the revision of its protocol.

A revision is a number.  It is raised, by another line here, when the same parameters and the same seed would give other
results than before: then the rows that were made before are stale.  A release raises none.
"""

from collections.abc import Collection

METHODS: dict[str, tuple[str, ...]] = {
    "alad": (
        "encoder of tables with a leaky slope of .2, no last layer spectrally normalised, BatchNorm beside spectral normalisation",
    ),
    "f_anogan": ("RMSprop's epsilon is 1e-10, as in the authors' code",),
}
"""Of each detector whose results have changed since the first edition: what has changed, one line for each revision."""

PROTOCOLS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "thinned": ("the test part keeps the prevalence of the whole split, and is drawn by the split's seed",),
}
"""The same for splits that are tested whole, and for those of which a part is drawn."""

FIRST = "1.1"
"""That of the first edition's rows."""

_PARTS = ("train", "val", "test")


def revision(detector: str, parameters: Collection[str]) -> str:
    """Revision of the method and of the protocol, ``"1.2"``.

    Parameters
    ----------
    detector : str
        Its name in tables.
    parameters : collection of str
        Names of the arguments of detector and split: a split of which a part is drawn has ``train``, ``val`` or ``test``.
    """
    protocol = PROTOCOLS["thinned" if any(part in parameters for part in _PARTS) else "whole"]
    return f"{1 + len(METHODS.get(detector, ()))}.{1 + len(protocol)}"
