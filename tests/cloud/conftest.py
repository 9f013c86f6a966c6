"""Emulators that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module", params=["azure", "gs"])
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Return an emulator, a `tests.cloud.emulators.Cloud`."""
    from tests.cloud.emulators import open_cloud  # noqa: PLC0415 - in .venv-cloud only

    with open_cloud(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened
