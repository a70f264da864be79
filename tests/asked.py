"""What ``make test`` leaves out for time and CI does not: ``GANAD_TEST_ALL=1`` asks for it.

Beside what takes long by itself, all that compares the backends: without it the tests stay with their own.
"""

import os

import pytest

ALL = os.environ.get("GANAD_TEST_ALL", "0") not in ("", "0")
BACKENDS = ("tensorflow", "jax", "torch")
OWN = os.environ.get("KERAS_BACKEND", "tensorflow")
ASKED = BACKENDS if ALL else (OWN,)

dear = pytest.mark.skipif(not ALL, reason="takes half a minute or more: GANAD_TEST_ALL=1 asks for it")


def for_backend(name: str) -> pytest.MarkDecorator:
    """Mark of a test that is skipped unless this backend is asked for; it must be installed then."""
    return pytest.mark.skipif(name not in ASKED, reason=f"{name} is not asked for: GANAD_TEST_ALL=1")
