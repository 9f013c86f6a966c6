"""Progress on a terminal; no output elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Display

from mfwb.ports import Progress, Unwatched
from mfwb.report.console import PrintableConsole
from mfwb.safe_text import one_line

__all__ = ["progress_on_stderr"]

_LONGEST_NAME = 80  # letters; a longer name would fill the line


@contextmanager
def progress_on_stderr(*, quiet: bool, console: Console | None = None) -> Iterator[Progress]:
    """Yield a `Progress` that shows the state of the work on stderr, if stderr is a terminal.

    The terminal is restored afterwards, even after an error.
    """
    console = console or PrintableConsole(sys.stderr)
    if quiet or not console.is_terminal:
        yield Unwatched()
        return
    with _display(console) as display:
        yield _ProgressLine(display)


def _display(console: Console) -> Display:
    return Display(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


class _ProgressLine:
    """Progress in one line: the flow run that is read, and the number of W&B runs written."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._task = display.add_task("starting", total=None, what="")
        self._lock = Lock()
        self._total = 0

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Show which flow run is read; W&B runs of earlier flow runs may still be written."""
        name = one_line(pathspec, _LONGEST_NAME)
        text = name if total == 1 else f"{name} ({position + 1} of {total})"
        what = "W&B runs" if self._total else "reading"
        self._display.update(self._task, description=text, what=what)

    def wandb_runs(self, total: int) -> None:
        """Add to the total number of W&B runs."""
        with self._lock:
            self._total += total
            self._display.update(self._task, total=self._total, what="W&B runs")

    def advance(self) -> None:
        """Show that one more W&B run is written."""
        self._display.advance(self._task)
