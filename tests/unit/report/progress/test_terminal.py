"""Progress on a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr

import pytest

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.report.progress import terminal
from mfwb.report.progress.terminal import TerminalDisplay, terminal_display
from tests.support.terminal import screen
from tests.unit.report.progress.streams import Terminal


def _written(stream: Terminal) -> str:
    """Return what was written, with the returns that a terminal's driver adds."""
    return stream.getvalue().replace("\n", "\r\n")


SYNCED = FlowRunOutcome("F/1", Status.SYNCED)
FAILED = FlowRunOutcome("F/2", Status.FAILED, reason="gone")


@pytest.fixture
def stream() -> Terminal:
    """Return a terminal."""
    return Terminal()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw only what the test has drawn: no thread does."""
    monkeypatch.setattr(terminal, "_PAUSE", 1_000.0)


def test_ends_stay_above_the_line_that_moves(stream: Terminal) -> None:
    """If no result follows, they are whole lines in mfwb's name, reported once."""
    reported: set[str] = set()
    with terminal_display(stream, reported, result_follows=False) as course:
        course.selected(3)
        course.finished(SYNCED)
        course.finished(FAILED)
        shown = screen(_written(stream))

    assert shown[:2] == ["mfwb: F/1 synced: 0 W&B runs", "mfwb: F/2 failed: gone"]
    assert shown[2].startswith("finishing  ━━━")
    assert "2/3 flow runs" in shown[2]
    assert screen(_written(stream)) == [*shown[:2], ""]
    assert reported == {"F/1", "F/2"}


def test_a_result_says_it_again(stream: Terminal) -> None:
    """Then they go with the line that moves, and what failed is not reported yet."""
    reported: set[str] = set()
    with terminal_display(stream, reported, result_follows=True) as course:
        course.selected(9)
        for number in range(7):
            course.finished(FlowRunOutcome(f"F/{number}", Status.FAILED, reason="gone"))
        shown = screen(_written(stream))

    assert shown[:5] == [f"F/{number} failed: gone" for number in range(2, 7)]
    assert "7/9 flow runs" in shown[5]
    assert screen(_written(stream)) == [""]
    assert reported == set()


def test_the_result_of_one_flow_run_comes_at_once(stream: Terminal) -> None:
    """Its line would flash up and vanish."""
    with terminal_display(stream, set(), result_follows=True) as course:
        course.selected(1)
        course.finished(SYNCED)

    assert "synced" not in stream.getvalue()


def test_an_error_leaves_what_no_result_says(stream: Terminal) -> None:
    """What was done until then stays on the terminal; the line that moved does not."""

    def fail() -> None:
        with terminal_display(stream, set(), result_follows=True) as course:
            course.selected(1)
            course.finished(SYNCED)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert screen(_written(stream)) == ["mfwb: F/1 synced: 0 W&B runs", ""]


def test_what_others_print_comes_above(stream: Terminal) -> None:
    """Whole lines at once; the rest of a line waits for its end."""
    with redirect_stderr(stream):
        with terminal_display(stream, set(), result_follows=False) as course:
            course.selected(2)
            print("one\ntw", end="", file=sys.stderr)  # noqa: T201 - that is the point
            assert sys.stderr.isatty()
            first = screen(_written(stream))
            print("o", file=sys.stderr)  # noqa: T201
            print("three", end="", file=sys.stderr)  # noqa: T201
        assert sys.stderr is stream

    assert first[0] == "one"
    assert "0/2 flow runs" in first[1]
    assert screen(_written(stream)) == ["one", "two", "three", ""]


def test_a_terminal_that_became_narrower(stream: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has wrapped what was drawn, so that the cursor has to go up further."""
    monkeypatch.setattr(stream, "fileno", lambda: 99, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    display = TerminalDisplay(stream, set(), result_follows=False)
    display.course.planned("F/1", 2)
    display.course.writing("F/1", "F/1/" + "s" * 100)
    display.draw()
    before = stream.getvalue()
    drawn = screen(before)[-1]
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((30, 24)))
    display.draw()
    after = stream.getvalue().removeprefix(before)
    display.end(keep_endings=False)

    assert len(drawn) == 79
    assert after.startswith("\r\x1b[2A\x1b[J"), "79 letters are 3 rows of 30 columns"
