"""Text of ours, for outputs that lack letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mfwb.safe_text import fit_encoding, one_line, printable, storable
from tests.support.strangers import anything, assert_inert


def test_letters_that_an_output_lacks() -> None:
    """Signs of ours become what looks like them, and other letters escapes."""
    assert fit_encoding("a ← ä \N{MULTIPLICATION SIGN} b…") == "a <- \\xe4 x b..."
    assert fit_encoding("│ ├─ ä", "latin-1") == "| +- ä"
    assert fit_encoding("\N{MULTIPLICATION SIGN} ä", "latin-1") == "\N{MULTIPLICATION SIGN} ä"
    assert fit_encoding("a ← \ud800", "utf-8") == "a <- \\ud800"
    assert fit_encoding("a ← ä", "utf-8") == "a ← ä"


@given(text=anything(), longest=st.integers(5, 50))
def test_lines(text: str, longest: int) -> None:
    """One line is one, printable, short, and itself if it is read again."""
    line = one_line(text, longest)

    assert line.isprintable()
    assert len(line) <= longest
    assert one_line(line, longest) == line
    assert_inert(printable(text))
    storable(text).encode()
    assert "\0" not in storable(text)
