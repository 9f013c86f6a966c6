"""Limits of W&B that all names keep."""

from __future__ import annotations

from tests.support.strangers import assert_inert


def assert_label(text: str, limit: int) -> None:
    """Make sure that this is a short, printable line that can be stored."""
    assert_inert(text)
    assert "\n" not in text
    assert 0 < len(text) <= limit
    text.encode()


def assert_key(key: str) -> None:
    """Make sure that W&B can make a path of a key."""
    assert_label(key, 400)
    assert "\\" not in key
    assert all(part.strip(".") for part in key.split("/"))
