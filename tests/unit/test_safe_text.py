"""Text of ours, for outputs that lack letters."""

from __future__ import annotations

from mfwb.safe_text import fit_encoding


def test_letters_that_an_output_lacks() -> None:
    """Signs of ours become what looks like them, and other letters escapes."""
    assert fit_encoding("a ← ä \N{MULTIPLICATION SIGN} b…") == "a <- \\xe4 x b..."
    assert fit_encoding("│ ├─ ä", "latin-1") == "| +- ä"
    assert fit_encoding("\N{MULTIPLICATION SIGN} ä", "latin-1") == "\N{MULTIPLICATION SIGN} ä"
    assert fit_encoding("a ← \ud800", "utf-8") == "a <- \\ud800"
    assert fit_encoding("a ← ä", "utf-8") == "a ← ä"
