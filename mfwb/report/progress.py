"""Progress on a terminal or in a notebook; no output elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Display

from mfwb.ports import NoProgress, Progress
from mfwb.report.console import PrintableConsole
from mfwb.safe_text import one_line

__all__ = ["progress_on_stderr"]

_LONGEST_NAME = 80  # letters; a longer name would fill the line


@contextmanager
def progress_on_stderr(*, quiet: bool, console: Console | None = None) -> Iterator[Progress]:
    """Yield progress that is shown on stderr, if that is a terminal or a notebook.

    Afterwards the terminal or the notebook is as it was, also after an error.
    """
    console = console or PrintableConsole(sys.stderr)
    if quiet or not (console.is_terminal or console.is_jupyter):
        yield NoProgress()
    elif console.is_jupyter:
        line = _NotebookLine(console.file)
        try:
            yield line
        finally:
            line.clear()
    else:
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
        what = "W&B runs" if self._total else "reading"
        self._display.update(self._task, description=_name(pathspec, position, total), what=what)

    def wandb_runs(self, total: int) -> None:
        """Add to the total number of W&B runs."""
        with self._lock:
            self._total += total
            self._display.update(self._task, total=self._total, what="W&B runs")

    def advance(self) -> None:
        """Show that one more W&B run is written."""
        self._display.advance(self._task)


class _NotebookLine:
    """The same line in a notebook, where rich needs a widget that may not be installed.

    It uses carriage returns only, which every notebook supports.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = Lock()
        self._name = ""
        self._total = self._written = 0
        self._width = 0

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Show which flow run is read."""
        with self._lock:
            self._name = _name(pathspec, position, total)
            self._show()

    def wandb_runs(self, total: int) -> None:
        """Show how many W&B runs there are now."""
        with self._lock:
            self._total += total
            self._show()

    def advance(self) -> None:
        """Show that one more is written."""
        with self._lock:
            self._written += 1
            self._show()

    def clear(self) -> None:
        """Remove the line."""
        with self._lock:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()

    def _show(self) -> None:
        what = f"{self._written}/{self._total} W&B runs" if self._total else "reading"
        self._write(f"{self._name}  {what}")

    def _write(self, text: str) -> None:
        """Overwrite the previous line, which may be longer."""
        self._stream.write(f"\r{text.ljust(self._width)}")
        self._stream.flush()
        self._width = len(text)


def _name(pathspec: str, position: int, total: int) -> str:
    name = one_line(pathspec, _LONGEST_NAME)
    return name if total == 1 else f"{name} ({position + 1} of {total})"
