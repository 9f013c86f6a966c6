"""Who may be notified of progress."""

from __future__ import annotations

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import NoProgress, SimpleProgress, as_progress


class Simple:
    """What mfwb 0.1 asked for."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Note it."""
        self.heard.append((pathspec, position, total))

    def wandb_runs(self, total: int) -> None:
        """Note it."""
        self.heard.append(total)

    def advance(self) -> None:
        """Note it."""
        self.heard.append("one")


def test_an_object_for_an_older_mfwb() -> None:
    """It is notified as before, and of nothing else."""
    simple = Simple()
    given: SimpleProgress = simple
    progress = as_progress(given)
    progress.connecting("W&B", 0)
    progress.connected("W&B")
    progress.selected(1)
    progress.flow_run("F/1", 0, 1)
    progress.planned("F/1", 2)
    progress.writing("F/1", "F/1/a")
    progress.uploading("F/1/a", 1, 2)
    progress.written("F/1", "F/1/a")
    progress.finished(FlowRunOutcome("F/1", Status.SYNCED))

    assert simple.heard == [("F/1", 0, 1), 2, "one"]


def test_others() -> None:
    """A whole one is taken as it is."""
    whole = NoProgress()

    assert as_progress(whole) is whole
    assert isinstance(as_progress(None), NoProgress)
