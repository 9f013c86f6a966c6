"""Equal contents that are logged at the same time."""

from __future__ import annotations

from mfwb.sink.online.in_flight import InFlight


def test_one_at_a_time() -> None:
    """The second upload waits for the arrival of the first one; then it may continue."""
    under_way = InFlight()
    first, second = under_way.begin("a", "d"), under_way.begin("a", "d")
    other = under_way.begin("a", "e")

    assert first is None
    assert other is None
    assert second is not None
    assert not second.is_set()
    under_way.end("a", "d")
    under_way.end("a", "d")
    assert second.is_set()
    assert under_way.begin("a", "d") is None
