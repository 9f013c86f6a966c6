"""A process that converts takes a second to start, so that tests share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfwb.conversion import inspector_child
from mfwb.conversion.converter import Converter, new_nursery
from mfwb.conversion.inspector import MAX_MEMORY
from mfwb.isolation.forkserver import Nursery
from mfwb.payload import Workshop


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


@pytest.fixture(scope="session")
def inspecting_nursery() -> Iterator[Nursery]:
    """Return what makes the processes that look at pickles; tests share it."""
    shared = Nursery(inspector_child.__name__, MAX_MEMORY)
    yield shared
    shared.close()


@pytest.fixture(autouse=True)
def workshops(
    nursery: Nursery, inspecting_nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Workshop]]:
    """Return the workshops of a test, which share what makes processes; end these afterwards."""
    made: list[Workshop] = []
    prepare = Workshop.__init__

    def prepare_and_note(workshop: Workshop, *arguments: Any, **named: Any) -> None:
        prepare(workshop, *arguments, **named)
        workshop._inspector._nursery = inspecting_nursery
        made.append(workshop)

    monkeypatch.setattr(Workshop, "__init__", prepare_and_note)
    yield made
    shared = {id(nursery), id(inspecting_nursery)}
    for workshop in made:
        for desk in workshop._inspector._desks.values():
            desk.end()
        for converter in workshop._converted._converters.values():
            converter.close()
        for one in workshop._converted._nurseries.values():
            if id(one) not in shared:
                one.close()


@pytest.fixture
def workshop(tmp_path: Path, nursery: Nursery) -> Workshop:
    """Return a workshop of a bundle, whose processes are made where all are made."""
    found = Workshop(tmp_path / "payloads", keep=True)
    found._converted._nurseries[False] = nursery
    return found
