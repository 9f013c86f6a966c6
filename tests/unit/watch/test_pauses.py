"""How long a watch waits between two syncs."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mfwb.watch import pause_seconds


@given(every=st.floats(1, 1e6), seed=st.integers())
def test_a_pause_is_at_most_a_tenth_longer(every: float, seed: int) -> None:
    """It is never shorter than asked for."""
    assert every <= pause_seconds(every, Random(seed)) <= 1.1 * every  # noqa: S311 - no secret


def test_watches_that_start_together_drift_apart() -> None:
    """Two watches do not wait for the same time."""
    assert pause_seconds(300, Random(1)) != pause_seconds(300, Random(2))  # noqa: S311 - no secret
