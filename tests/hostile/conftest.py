"""The honest flow run that everybody tampers with copies of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.scene import Origin


@pytest.fixture(scope="session")
def origin(flow_run: Callable[[str], str], flows_root: Path) -> Origin:
    """Return a finished flow run of `tests/flows/shared_flow.py`."""
    return Origin(flows_root, flow_run("shared_flow").split("/")[1])
