"""The page of messages has each message of the program, with its exit code, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from mfwb import deadlines, errors
from tests.support.error_messages import error_messages

_PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
_ROW = re.compile(r"^\| (?P<ticks>`+) ?(?P<text>.*?) ?(?P=ticks) \| (?P<code>\d+) \|", re.MULTILINE)
_OF_NO_ERROR_CLASS = ("## Hints", "## This machine", "## A bug")
_NEVER_SHOWN = frozenset(
    {"the metadata can't be read", "W&B is not opened", "the server was not asked"}
)
"""Of checks of the doctor that are not made if an earlier one failed."""


def test_each_message_is_on_the_page() -> None:
    """A new message needs a line in docs/troubleshooting.md: cause, what to do, exit code."""
    text = _PAGE.read_text(encoding="utf-8")
    for heading in _OF_NO_ERROR_CLASS:
        text = text.partition(heading)[0]
    documented = {row["text"]: int(row["code"]) for row in _ROW.finditer(text)}

    codes = {
        message.text: _code_of(message.error)
        for message in error_messages()
        if message.text not in _NEVER_SHOWN
    }

    assert sorted(codes.keys() - documented.keys()) == []
    assert sorted(documented.keys() - codes.keys()) == []
    assert documented == codes


def _code_of(name: str) -> int:
    error = getattr(errors, name, None) or getattr(deadlines, name)
    return int(error.exit_code)
