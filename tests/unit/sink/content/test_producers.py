"""A W&B run waits for those whose artifacts it uses, and for no others."""

from __future__ import annotations

from concurrent.futures import CancelledError
from threading import Thread

import pytest

from mfwb.planning import InputArtifact, WandbRunId
from mfwb.sink.content.producers import Producers

FIRST, SECOND = WandbRunId("first"), WandbRunId("second")


def used(producer: WandbRunId) -> InputArtifact:
    """Return an artifact that a W&B run logs."""
    return InputArtifact(
        name="x", type="dataset", producer=producer, producer_name=str(producer), ground="read"
    )


def test_it_waits_until_the_artifacts_are_logged() -> None:
    """Whether the W&B run that logs them is finished does not matter."""
    producers = Producers()
    producers.enqueue(FIRST)
    producers.enqueue(SECOND)
    waiting = Thread(target=producers.wait, args=([used(FIRST)],))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    assert not producers.are_logged([used(FIRST)])

    producers.note_logged(FIRST)
    waiting.join(60)

    assert not waiting.is_alive()
    assert producers.are_logged([used(FIRST)])


def test_what_fails_after_its_artifacts_are_logged_has_logged_them() -> None:
    """A use of them is true, whatever became of the rest."""
    producers = Producers()
    producers.enqueue(FIRST)
    producers.note_logged(FIRST)
    producers.dequeue(FIRST, written=False)

    producers.wait([used(FIRST)])


def test_nothing_uses_artifacts_of_a_run_that_could_not_be_written() -> None:
    """Not there is not the same as never made."""
    producers = Producers()
    producers.enqueue(FIRST)
    producers.enqueue(SECOND)
    producers.dequeue(FIRST, written=False)
    producers.dequeue(SECOND, written=True)

    producers.wait([used(SECOND)])
    with pytest.raises(CancelledError):
        producers.wait([used(SECOND), used(FIRST)])
    with pytest.raises(CancelledError):
        producers.raise_if_failed([used(FIRST)])


def test_artifacts_of_other_flow_runs_are_not_waited_for() -> None:
    """These were written before, or are looked up."""
    Producers().wait([used(FIRST)])
