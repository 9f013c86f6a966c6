"""Text of ours, for outputs that lack letters."""

from __future__ import annotations

from mfwb.safe_text import fitted


def test_letters_that_an_output_lacks() -> None:
    """Signs of ours become what looks like them, and other letters escapes."""
    assert fitted("a ← ä \N{MULTIPLICATION SIGN} b…") == "a <- \\xe4 x b..."
    assert fitted("│ ├─ ä", "latin-1") == "| +- ä"
    assert fitted("\N{MULTIPLICATION SIGN} ä", "latin-1") == "\N{MULTIPLICATION SIGN} ä"
    assert fitted("a ← \ud800", "utf-8") == "a <- \\ud800"
    assert fitted("a ← ä", "utf-8") == "a ← ä"
