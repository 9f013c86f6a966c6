"""The choice of how progress is shown: it depends on what stderr is."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from mfwb.ports import NoProgress, Progress
from mfwb.report.progress.lines import SILENCE, printed_lines
from mfwb.report.progress.notebook import notebook_line
from mfwb.report.progress.terminal import terminal_display

__all__ = ["progress_on_stderr"]

_NOT_MOVABLE = ("", "dumb", "unknown")  # values of TERM: the cursor can't be moved up


@contextmanager
def progress_on_stderr(
    *, quiet: bool, result_follows: bool = False, reported: set[str] | None = None
) -> Iterator[Progress]:
    """Yield progress that is shown on stderr. Afterwards the terminal or the notebook is as it was.

    On a terminal, a line moves; in a notebook, a line is written over; elsewhere, and on a terminal
    that can do no more, there are whole lines. No variable makes anything move that is no terminal.

    Args:
        quiet: show nothing.
        result_follows: whether the result of the call is printed on the same terminal afterwards.
        reported: gets the pathspecs of flow runs with a line on how they failed or differ:
            what is reported later need not say it again.
    """
    stream = sys.stderr
    reported = set() if reported is None else reported
    if quiet or stream is None:
        yield NoProgress()
    elif _is_notebook(stream):
        with notebook_line(stream) as progress:
            yield progress
    elif _can_move(stream, os.environ):
        with terminal_display(stream, reported, result_follows=result_follows) as progress:
            yield progress
    else:
        with printed_lines(stream, reported, SILENCE) as progress:
            yield progress


def _is_notebook(stream: TextIO) -> bool:
    """Whether a notebook runs this program; rich knows them, and is not asked where none can be."""
    if not hasattr(builtins, "get_ipython"):  # IPython adds it
        return False
    from rich.console import Console  # noqa: PLC0415 - it takes longer than all progress

    return Console(file=stream).is_jupyter


def _can_move(stream: TextIO, variables: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal on which a line can be written over."""
    if variables.get("TTY_INTERACTIVE") == "0" or variables.get("TERM", "") in _NOT_MOVABLE:
        return False
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
