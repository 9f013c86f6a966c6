"""Progress."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from mfwb.ports import Progress
from mfwb.report import progress_on_stderr

SHOW_CURSOR = "\x1b[?25h"


def told(act: Callable[[Progress], None], *, quiet: bool = False, terminal: bool = True) -> str:
    """Return what was written on stderr while somebody worked."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, color_system=None)
    with progress_on_stderr(quiet=quiet, console=console) as progress:
        act(progress)
    return stream.getvalue()


def work(progress: Progress) -> None:
    """Work on the second of two flow runs."""
    progress.flow_run("F/[1]", 1, 2)
    progress.wandb_runs(3)
    progress.advance()


def test_a_terminal_sees_how_far_it_is() -> None:
    """The flow run, its place among all, and how many W&B runs are written are shown."""
    text = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", told(work))

    assert "F/[1] (2 of 2)" in text
    assert "1/3 W&B runs" in text


def test_the_terminal_is_left_as_it_was() -> None:
    """The line vanishes and the cursor comes back, even if the work fails."""

    def fail(progress: Progress) -> None:
        work(progress)
        raise RuntimeError("in the middle")

    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with (
        pytest.raises(RuntimeError, match="in the middle"),
        progress_on_stderr(quiet=False, console=console) as progress,
    ):
        fail(progress)

    assert stream.getvalue().endswith("\x1b[2K")
    assert SHOW_CURSOR in stream.getvalue()


@pytest.mark.parametrize(("quiet", "terminal"), [(True, True), (False, False), (True, False)])
def test_silence(*, quiet: bool, terminal: bool) -> None:
    """Nothing is shown to a file, or with --quiet."""
    assert told(work, quiet=quiet, terminal=terminal) == ""
