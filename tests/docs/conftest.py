"""The flow run that the pages and the notebook are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import only_one
from tests.docs.scene import run_wine_flow


@pytest.fixture(scope="session")
def wine_flow_runs(flows_root: Path) -> Path:
    """Return the folder in which the flow of the demo was run, once for all workers."""
    root = flows_root / "wine"
    with only_one(flows_root / "wine.lock"):
        root.mkdir(exist_ok=True)
        run_wine_flow(root)
    return root
