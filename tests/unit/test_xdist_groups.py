"""What tests share is made once only if xdist knows which of them belong together."""

from __future__ import annotations

import pytest


def test_groups_reach_xdist(request: pytest.FixtureRequest) -> None:
    """With a pytest that xdist does not fit, all would pass, in three times the time."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("no worker of `--dist loadgroup`")

    assert request.node.nodeid.endswith("@tests/unit/test_xdist_groups.py")
