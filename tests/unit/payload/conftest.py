"""A process that converts takes a second to start, so that tests share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.payload import Workshop
from mfwb.payload.converter import Converter


@pytest.fixture(scope="session")
def converter() -> Iterator[Converter]:
    """Return the converter that tests share; they may kill its process, but not close it."""
    shared = Converter()
    yield shared
    shared.close()


@pytest.fixture
def workshop(tmp_path: Path, converter: Converter) -> Workshop:
    """Return a workshop of a bundle, which works with the shared converter."""
    found = Workshop(tmp_path / "payloads", keep=True)
    found._converted._converters[False] = converter
    return found
