"""The file of a shard plan: read again as it was written, or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfwb.errors import UsageError
from mfwb.shards.document import plan_from_json, plan_to_json, read_shard_plan, write_shard_plan
from mfwb.shards.model import Shard, ShardPlan

_PLAN = ShardPlan(
    mfwb="0.1",
    provider="local@/data",
    created_at=1_700_000_000_000,
    request={"pathspecs": ["F"], "since": None},
    failed=False,
    shards=(Shard("first", ("F/1",), 2, 40, 1, 1), Shard("1", ("F/2", "F/3"), 4, 80, 2, 3)),
    skipped={"F/4": "it is still running"},
    notes=("a note",),
)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    """Written in one step; without a file there is no plan."""
    path = tmp_path / "plan.json"
    assert read_shard_plan(path) is None

    write_shard_plan(path, _PLAN)

    assert read_shard_plan(path) == _PLAN
    assert [file.name for file in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, "is no shard plan of mfwb"),
        ({"version": 2}, "was written by another mfwb"),
        ({"shards": "x"}, "is no shard plan of mfwb"),
        ({"shards": [{"name": "1", "flow_runs": ["F/1", "F/1"]}]}, "a flow run twice"),
    ],
)
def test_others_are_refused(change: dict[str, object], reason: str) -> None:
    """The message says which file, why, and what to do."""
    document = {**json.loads(plan_to_json(_PLAN)), **change}

    with pytest.raises(UsageError, match=reason) as raised:
        plan_from_json(json.dumps(document), "plan.json")

    assert "remove its folder" in str(raised.value)


def test_what_is_cut_off_is_refused(tmp_path: Path) -> None:
    """It is no JSON then."""
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(_PLAN)[:-20], encoding="utf-8")

    with pytest.raises(UsageError, match="is no shard plan of mfwb"):
        read_shard_plan(path)
