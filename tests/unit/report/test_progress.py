"""Progress."""

from __future__ import annotations

import builtins
import io
import re
import sys
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


# --- notebooks -------------------------------------------------------------------------------


def shown_in_a_notebook(act: Callable[[Progress], None], *, quiet: bool = False) -> list[str]:
    """Return what the line showed, one text after the other; only carriage returns are known."""
    stream = io.StringIO()
    console = Console(file=stream, force_jupyter=True)
    with progress_on_stderr(quiet=quiet, console=console) as progress:
        act(progress)
    assert "\x1b" not in stream.getvalue()
    return stream.getvalue().split("\r")[1:]


def test_a_notebook_sees_how_far_it_is() -> None:
    """One line is written over, without any cursor movement that a notebook would not know."""
    lines = shown_in_a_notebook(work)

    assert [line.rstrip() for line in lines] == [
        "F/[1] (2 of 2)  reading",
        "F/[1] (2 of 2)  0/3 W&B runs",
        "F/[1] (2 of 2)  1/3 W&B runs",
        "",
        "",
    ]
    assert len(lines[-2]) == len(lines[-3]), "the end leaves nothing of the line"


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    """The name of a flow run may be shorter than that of the one before."""

    def act(progress: Progress) -> None:
        progress.flow_run("LongName/1", 0, 1)
        progress.flow_run("F/1", 0, 1)

    first, second, _, _ = shown_in_a_notebook(act)

    assert (first, second) == ("LongName/1  reading", "F/1  reading       ")


def test_a_notebook_can_be_quiet() -> None:
    """Nothing is shown with quiet."""
    assert shown_in_a_notebook(work, quiet=True) == []


def test_a_name_can_not_break_out_of_the_line() -> None:
    """A stranger may have named the flow run."""
    lines = shown_in_a_notebook(lambda progress: progress.flow_run("F/\r\n\x1b[2J1", 0, 1))

    assert lines[0] == "F/ \\x1b[2J1  reading"


def test_a_notebook_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython says so by a function that it adds to the builtins."""

    class ZMQInteractiveShell:
        """What rich looks for."""

    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)

    with progress_on_stderr(quiet=False) as progress:
        work(progress)

    assert "1/3 W&B runs" in stderr.getvalue()
