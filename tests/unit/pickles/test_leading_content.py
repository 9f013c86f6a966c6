"""The start of pickled bytes and texts."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mfwb.pickles.leading_content import leading_content

_CONTENT = bytes(range(256)) * 3


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [20, 255, 256, 70_000])
def test_bytes(protocol: int, size: int) -> None:
    """Bytes of any length, as any protocol pickles them."""
    content = (_CONTENT * 100)[:size]

    start = leading_content(pickle.dumps(content, protocol)[:500])

    assert isinstance(start, bytes)
    assert start[:20] == content[:20]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [20, 255, 256, 70_000])
def test_texts(protocol: int, size: int) -> None:
    """Texts, too, even if the start ends in the middle of a letter."""
    content = ("Größe " * 20_000)[:size]

    start = leading_content(pickle.dumps(content, protocol)[:499])

    assert isinstance(start, str)
    assert start[:20] == content[:20]


@pytest.mark.parametrize("value", [None, 3, 0.5, ["text"], {"a": b"bytes"}])
def test_others(value: Any) -> None:
    """Numbers and containers have no such start."""
    assert leading_content(pickle.dumps(value, 4)) is None


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"\x80\x04\x95\0\0", b"text", b"\x80\x04B\0"])
def test_damaged(data: bytes) -> None:
    """A pickle that is cut or none at all has none."""
    assert leading_content(data) is None
