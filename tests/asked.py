"""Which backends the tests compare: ``GANAD_TEST_BACKENDS``, a comma list; without it that of the tests alone, for time."""

import os

import pytest

BACKENDS = ("tensorflow", "jax", "torch")
OWN = os.environ.get("KERAS_BACKEND", "tensorflow")
ASKED = [name.strip() for name in os.environ.get("GANAD_TEST_BACKENDS", OWN).split(",") if name.strip()]
if strange := set(ASKED) - set(BACKENDS):
    raise pytest.UsageError(f"GANAD_TEST_BACKENDS: {min(strange)} is none of {', '.join(BACKENDS)}")


def for_backend(name: str) -> pytest.MarkDecorator:
    """Mark of a test that is skipped unless this backend is asked for; it must be installed then."""
    return pytest.mark.skipif(name not in ASKED, reason=f"{name} is not asked for: GANAD_TEST_BACKENDS")
