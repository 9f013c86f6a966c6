"""Progress in a notebook."""

from __future__ import annotations

import io
import time

import pytest

from mfwb.report.progress.notebook import NotebookLine, notebook_line


def test_one_line_is_written_over() -> None:
    """A shorter line leaves nothing of a longer one, and the end nothing at all."""
    stream = io.StringIO()
    line = NotebookLine(stream)
    line.course.selected(1)
    line.course.flow_run("F/\r\n\x1b[2J1", 0, 1)
    line.show()
    line.course.planned("F/1", 3)
    line.course.writing("F/1", "F/1/a")
    line.show()
    line.show()  # nothing has changed
    line.clear()
    line.show()  # nothing any more

    first, second, empty, rest = stream.getvalue().split("\r")[1:]
    assert first.startswith("reading F/ \\x1b[2J1")
    assert second.rstrip().endswith("0/3 W&B runs  0:00")
    assert (len(second) >= len(first), empty.strip(), rest) == (True, "", "")
    assert "\x1b" not in stream.getvalue()


def test_a_call_in_a_notebook() -> None:
    """The line is removed at its end, also after an error."""
    stream = io.StringIO()

    def fail() -> None:
        with notebook_line(stream) as course:
            course.selected(1)
            while not stream.getvalue():  # the thread that shows it
                time.sleep(0.01)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert stream.getvalue().endswith(" \r")
