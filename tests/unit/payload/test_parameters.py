"""Values that are decoded to see which flow runs they name."""

from __future__ import annotations

import pytest

from mfwb.payload import parameters
from tests.unit.payload.memory import MemoryContents


def test_values_that_name_flow_runs_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are in memory at once: when there are too many characters, the rest is not known."""
    monkeypatch.setattr(parameters, "_CHARACTERS_LIMIT", 2_500)
    contents = MemoryContents()
    wanted = [contents.add(str(number) * 1_000) for number in range(5)]

    assert list(parameters.decode_artifacts(wanted, contents)) == [item.sha1 for item in wanted[:2]]
