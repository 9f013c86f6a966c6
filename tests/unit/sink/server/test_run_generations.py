"""Ids that replace deleted ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mfwb.planning import WandbRunId
from mfwb.planning.names import run_id
from mfwb.sink.server.run_generations import digest_of_id, generation_of, id_in_generation

PARTS = st.lists(st.text(min_size=1, max_size=80), min_size=3, max_size=4)


@given(PARTS, st.integers(0, 99))
def test_generations(parts: list[str], generation: int) -> None:
    """Each generation has its own id, which W&B accepts and which shows the generation."""
    first = run_id(*parts)
    later = id_in_generation(first, generation)

    assert len(later) <= 64
    assert (later == first) is (generation == 0)
    assert digest_of_id(later) == digest_of_id(first)
    if generation:
        assert generation_of(later) == generation


def test_the_first_one() -> None:
    """An id without a mark is of the first generation, whatever the name of its step."""
    assert generation_of(WandbRunId("Flow-1-g2-0123456789ab")) == 2
    assert generation_of(WandbRunId("Flow-1-train-0123456789ab")) == 0
    assert generation_of(WandbRunId("x")) == 0
