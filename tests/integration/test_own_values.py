"""Values that came out equal to what was handed on, and the panels that W&B draws of numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import RunSnapshot

SyncedFlow = Callable[..., Synced]
_OWN = {"_step", "_runtime", "_timestamp", "_wandb", "metaflow", "mfwb", "tasks"}


def _values(run: RunSnapshot) -> dict[str, Any]:
    return {key: value for key, value in run.summary.items() if key not in _OWN}


def _points(run: RunSnapshot) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key not in _OWN} for row in run.history]


def test_a_wandb_run_for_each_step(synced: SyncedFlow) -> None:
    """Statistics, charts and table are over all tasks that assigned a value, equal or not."""
    equal = synced("equal_flow")
    work, join, end = (equal.run(name) for name in ("work", "join", "end"))

    assert equal.finished.code == 0
    assert equal.losses == []
    assert _values(work) == {
        "failures": {"min": 0, "max": 10, "mean": 10 / 3},  # whether the caught task did is unknown
        "share": {"min": -12.0, "max": 12.0, "mean": 2.0},
        "broke": [None, "builtins.ZeroDivisionError: division by zero", None, None],
    }
    assert [row.get("tasks/failures") for row in work.history] == [0, None, 0, 10]
    assert _values(join) == {"failures": 10, "best": 7, "ok": True}
    assert _values(end) == {}
    assert _points(equal.run("start")) == [{"best": 7, "failures": 0, "with-dash": 1}]
    assert equal.run("start").summary["items"] == [1, 2, 3, 4]  # of the foreach: no curve
    assert equal.run("start").summary["exact"] == str(2**53 + 1)
    assert _points(join) == [{"best": 7, "failures": 10}]
    assert _points(end) == []


@pytest.mark.exhaustive
def test_a_wandb_run_for_each_task(synced: SyncedFlow) -> None:
    """Each has its own values, and a point of each number."""
    equal = synced("equal_flow", "--granularity", "task")
    runs = {
        name: equal.run(name)
        for run in equal.finished.document["flow_runs"][0]["wandb_runs"]
        for name in [run["name"].split("/", 2)[2]]
    }
    works = [runs[name] for name in sorted(runs) if name.startswith("work/")]
    [join] = [runs[name] for name in runs if name.startswith("join/")]

    assert [run.summary.get("failures") for run in works] == [0, None, 0, 10]
    assert [_points(run) for run in works] == [
        [{"failures": 0, "share": -12.0}],
        [],
        [{"failures": 0, "share": 12.0}],
        [{"failures": 10, "share": 6.0}],
    ]
    assert _values(join) == {"failures": 10, "best": 7, "ok": True}


def test_what_is_said_of_it(
    sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """`explain` finds names that only `setattr` can give, and says what a step assigned."""
    pathspec = flow_run("equal_flow")

    def explained(artifact: str) -> Any:
        where = ("--metadata", metadata_of(flows_root), "--json")
        return sandbox.mfwb("explain", f"{pathspec}/{artifact}", *where).document

    dashed, joined = explained("start/with-dash"), explained("join/failures")

    assert [run["summary"] for run in dashed["wandb_runs"]] == [{"with-dash": 1}]
    assert [run["summary"] for run in joined["wandb_runs"]] == [{"failures": 10}]
    [shown] = joined["tasks"]
    assert shown["producer"] == shown["task"]
