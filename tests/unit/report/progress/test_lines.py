"""Progress where there is no terminal."""

from __future__ import annotations

import io
import time

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.report.progress.lines import printed_lines, write_line

_PATIENCE = 30.0  # seconds


def test_a_line_for_each_end() -> None:
    """And nothing else, if it does not take long."""
    stream, reported = io.StringIO(), set[str]()
    with printed_lines(stream, reported, 1_000.0) as course:
        course.connecting("W&B", 0)
        course.selected(3)
        course.flow_run("F/1", 0, 3)
        course.finished(FlowRunOutcome("F/1", Status.FAILED, reason="gone\x1b[2J"))
        course.finished(FlowRunOutcome("F/2", Status.UNCHANGED))

    assert stream.getvalue() == "mfwb: F/1 failed: gone\\x1b[2J\n"
    assert reported == {"F/1"}


def test_a_line_if_it_takes_long() -> None:
    """It says what is going on, for as long as something is awaited."""
    stream = io.StringIO()
    with printed_lines(stream, set(), 0.01) as course:
        course.selected(1)
        course.flow_run("F/1", 0, 1)
        deadline = time.monotonic() + _PATIENCE
        while stream.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert stream.getvalue().startswith("mfwb: reading F/1, 0 seconds\nmfwb: reading F/1, ")


def test_another_encoding() -> None:
    """A log in ASCII gets no letter that it does not have; a closed one does no harm."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii", newline="")
    write_line(stream, "F/1 planned: 1 artifact of ≈ 3 MB …")
    assert raw.getvalue() == b"mfwb: F/1 planned: 1 artifact of ~ 3 MB ...\n"
    stream.close()
    write_line(stream, "too late")
