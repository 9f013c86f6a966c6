"""Log lines of tasks in W&B's Logs tab."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from mfwb.ports import LogLine
from mfwb.sink.content.run_content import format_log
from tests.support.strangers import anything, assert_inert


def _text(lines: list[LogLine]) -> str:
    return "\n".join(format_log(lines))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[2Kgone\x1b[1A", "gone"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1bPq\x1b\\x", "x"),
        ("\x1b]0;no end", "\\x1b]0;no end"),
        ("\x9b31mred \u202eback", "\\x9b31mred \\u202eback"),
        ("a\tb", "a       b"),
    ],
)
def test_sequences(text: str, shown: str) -> None:
    """Colours stay, since W&B shows them; other control sequences are removed or made visible."""
    assert _text([LogLine("stdout", None, text)]) == shown


def test_progress_bars() -> None:
    """Each text that overwrote a line is a line of its own, with its time and its stream."""
    line = LogLine("stderr", 0, " 10%\r 20%\r\r100%\r")
    when = "1970-01-01 00:00:00.000Z [stderr] "

    assert _text([line]) == f"{when} 10%\n{when} 20%\n{when}100%"
    assert _text([LogLine("stdout", None, "")]) == ""


@given(text=anything())
def test_anything(text: str) -> None:
    """No control sequence except colours is left."""
    shown = _text([LogLine("stdout", None, text)])
    assert_inert(re.sub(r"\x1b\[[0-9;:]*m", "", shown))
