"""Shares as people write them."""

from __future__ import annotations

import pytest

from mfwb.units.shares import parse_share


@pytest.mark.parametrize(
    ("text", "share"),
    [("5%", 0.05), ("100 %", 1.0), ("0.5%", 0.005), ("1/20", 0.05), (" 1 / 4 ", 0.25)],
)
def test_shares(text: str, share: float) -> None:
    """A percentage or a fraction, above nothing and at most all."""
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize(
    "text", ["", "5", "0%", "101%", "0/5", "5/4", "1/0", "-5%", "nan%", "1e1%", "\u0665%"]
)
def test_what_is_no_share(text: str) -> None:
    """The message says how shares are written."""
    with pytest.raises(ValueError, match="5% or 1/20"):
        parse_share(text)
