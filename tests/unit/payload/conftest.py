"""Fixtures of payload tests; a conversion process takes a second to start, so tests share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfwb.conversion.converter import Converter, new_forkserver
from mfwb.conversion.inspector import Inspector
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload import PayloadBuilder
from tests.support.inspectors import shared_forkserver


@pytest.fixture(scope="session")
def forkserver() -> Iterator[Forkserver]:
    """Return the fork server of converters; tests share it, and may not close it."""
    shared = new_forkserver()
    yield shared
    shared.close()


@pytest.fixture
def converter(forkserver: Forkserver) -> Iterator[Converter]:
    """Return a converter."""
    result = Converter(forkserver)
    yield result
    result.close()


@pytest.fixture(scope="session")
def inspector_forkserver() -> Forkserver:
    """Return the fork server of inspectors, which tests share, and may not close."""
    return shared_forkserver()


@pytest.fixture(autouse=True)
def builders(
    inspector_forkserver: Forkserver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[PayloadBuilder]]:
    """Yield the builders of a test, which share a fork server; close them afterwards."""
    made: list[PayloadBuilder] = []
    prepare = PayloadBuilder.__init__

    def prepare_and_note(builder: PayloadBuilder, *arguments: Any, **named: Any) -> None:
        named.setdefault("inspector", Inspector(inspector_forkserver))
        prepare(builder, *arguments, **named)
        made.append(builder)

    monkeypatch.setattr(PayloadBuilder, "__init__", prepare_and_note)
    yield made
    for builder in made:
        builder.close()


@pytest.fixture
def builder(tmp_path: Path, forkserver: Forkserver) -> PayloadBuilder:
    """Return a builder of a bundle, whose processes are made where all are made."""
    return PayloadBuilder(tmp_path / "payloads", keep=True, forkservers={False: forkserver})
