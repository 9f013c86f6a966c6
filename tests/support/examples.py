"""How many random examples a test tries: fewer by default than in `make test-all`."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["examples", "load_profile"]

_SAMPLE, _WHOLE = 20, 100  # per cent of the examples of each test

settings.register_profile("sample", deadline=None, max_examples=_SAMPLE)
settings.register_profile("whole", deadline=None, max_examples=_WHOLE)


def load_profile(*, whole: bool) -> None:
    """Set how many examples tests try that are imported from now on.

    Hypothesis measures no time, since machines that build are slow and busy.
    """
    settings.load_profile("whole" if whole else "sample")


def examples(whole: int) -> int:
    """Return how many examples a test tries, of which `make test-all` tries so many."""
    assert settings.default is not None
    return max(1, whole * settings.default.max_examples // _WHOLE)
