"""A process that converts takes a second to start, so that tests share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.payload import Workshop
from mfwb.payload.converter import Converter, new_nursery
from mfwb.payload.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Return what makes the processes of converters; tests share it, and may not close it."""
    shared = new_nursery()
    yield shared
    shared.close()


@pytest.fixture
def converter(nursery: Nursery) -> Iterator[Converter]:
    """Return a converter."""
    found = Converter(nursery)
    yield found
    found.close()


@pytest.fixture
def workshop(tmp_path: Path, nursery: Nursery) -> Iterator[Workshop]:
    """Return a workshop of a bundle, whose processes are made where all are made."""
    found = Workshop(tmp_path / "payloads", keep=True)
    found._converted._nurseries[False] = nursery
    yield found
    end_processes(found)


def end_processes(workshop: Workshop) -> None:
    """End the processes of a workshop, and not what makes them, which others use as well."""
    for converter in workshop._converted._converters.values():
        converter.close()
