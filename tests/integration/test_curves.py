"""Curves are charts as somebody would have logged them, online, offline and after an update."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from wandb.proto.wandb_internal_pb2 import Record

from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import RunSnapshot, WandbServer

AXES_OF_START = {
    "loss_curve": "loss_curve/index",
    "layers": "layers/index",
    "loss": "history/index",
    "val_loss": "history/index",
    "history/acc": "history/index",  # there is a value `acc`
    "train/rmse": "evals_result/index",
    "valid/rmse": "evals_result/index",
    "train/f1": "epochs/epoch",  # the table has a column `epoch`, too
    "lr": "epochs/epoch",
    "metrics/epoch": "step",
    "train_loss": "step",
    "val": "step",
    "long": "long/index",
}
AXES_OF_WORK = {
    "loss/0": "loss/index",
    "loss/1": "loss/index",
    "reward/0": "iteration/0",
    "reward/1": "iteration/1",
    "entropy/0": "global_step/0",
    "entropy/1": "global_step/1",
    "tasks/score": "tasks/index",
    "tasks/seconds": "tasks/index",
}


def axes_of(run: RunSnapshot) -> dict[str, str]:
    """Return the x axis of each chart, as wandb-core wrote them into the config."""
    metrics = run.raw_config.get("_wandb", {}).get("value", {}).get("m", [])
    return {item["1"]: metrics[item["5"] - 1]["1"] for item in metrics if "5" in item}


def rows_of(run: RunSnapshot) -> list[dict[str, Any]]:
    """Return the history, sorted."""
    return sorted(run.history, key=lambda row: row["_step"])


def values_of(run: RunSnapshot) -> dict[str, Any]:
    """Return the summary without the part of mfwb and W&B, and without panels."""
    return {
        key: value
        for key, value in run.summary.items()
        if key not in {"_wandb", "mfwb", "metaflow", "_runtime", "_step"}
        and not (isinstance(value, dict) and "_type" in value)
    }


@pytest.fixture(scope="module")
def online(synced: Callable[..., Synced]) -> Synced:
    """Return the flow run after an online sync."""
    return synced("curves_flow")


def test_each_chart_has_an_x_axis_of_its_own(online: Synced) -> None:
    """By `define_metric`; names are those of keys and columns."""
    assert online.losses == []
    assert axes_of(online.run("start")) == AXES_OF_START
    assert axes_of(online.run("work")) == AXES_OF_WORK
    assert axes_of(online.run("end")) == {}


def test_empty_dicts_in_the_config(online: Synced) -> None:
    """They are there although wandb-core drops them: so the config is written twice; axes stay."""
    for step in ("start", "work", "end"):
        run = online.run(step)
        assert run.config["options"] == {"callbacks": {}}
        assert {"e", "t"} <= run.raw_config["_wandb"]["value"].keys()
    assert axes_of(online.run("start")) == AXES_OF_START


def test_points(online: Synced) -> None:
    """Each is in a row together with its position on the x axis; gaps have none."""
    start = {row["_step"]: row for row in rows_of(online.run("start"))}
    work = {row["_step"]: row for row in rows_of(online.run("work"))}

    assert len(start) == 40
    assert (start[0]["train/f1"], start[0]["epochs/epoch"]) == (0.1, 1)
    assert (start[1]["train/f1"], start[1]["epochs/epoch"], start[1]["lr"]) == (0.2, 2, 0.01)
    assert "lr" not in start[0]
    assert [start[row].get("train_loss") for row in range(4)] == [1.5, None, 0.5, None]
    assert [start[row]["step"] for row in range(4)] == [9, 19, 29, 39]
    assert "x" not in start[0]  # data
    assert (work[1]["reward/1"], work[1]["iteration/1"]) == (0.4, 20)
    assert (work[2]["loss/0"], work[2]["loss/index"]) == (0.025, 2)


def test_rows_have_the_time_of_the_flow(online: Synced) -> None:
    """Not that of the sync, neither in `_timestamp` nor in `_runtime`."""
    run = online.run("work")
    started = run.summary["metaflow"]["started_at"]

    assert {row["_runtime"] for row in rows_of(run)} == {0}
    assert len({row["_timestamp"] for row in rows_of(run)}) == 1
    assert started


def test_the_summary_has_the_last_points(online: Synced) -> None:
    """A list is not there once more, but for a setting, and for what a foreach iterates over."""
    assert values_of(online.run("start")) == {
        "loss_curve": 0.25,
        "layers": [64, 32],
        "loss": 0.5,
        "val_loss": "NaN",
        "history/acc": 0.2,
        "acc": 0.7,
        "train/rmse": 2.0,
        "valid/rmse": 2.5,
        "train/f1": 0.2,
        "lr": 0.01,
        "epochs/epoch": 2,
        "metrics/epoch": 1,
        "step": 39,
        "train_loss": 0.5,
        "val": 1.0,
        "long": 39 / 7,
        "grid": [{"lr": 0.1}, {"lr": 0.2}],
    }
    work = values_of(online.run("work"))
    assert (work["loss/1"], work["entropy/0"]) == (0.05, 0.1 * 3)
    assert "loss" not in work


@cache
def _pushed(root: Path, server: WandbServer, pathspec: str, metadata: str) -> dict[str, Any]:
    sandbox = Sandbox(root, {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key})
    to = ("--project", root.name, "--entity", "acme", "--mode", "offline", "--dir", "bundle")
    done = sandbox.mfwb("sync", pathspec, "--json", *to, "--metadata", metadata)
    assert done.code == 0, done.err
    sent = sandbox.mfwb("push", "bundle", "--json")
    assert sent.code == 0, sent.err
    return {
        run["name"].rsplit("/", 1)[1]: server.state.run(f"acme/{root.name}/{run['id']}")
        for run in done.document["flow_runs"][0]["wandb_runs"]
    }


@pytest.mark.parametrize("step", ["start", "work", "join", "end"])
def test_a_pushed_bundle_says_the_same(
    step: str,
    online: Synced,
    w_and_b: WandbServer,
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Charts, x axes, rows with their times, summary."""
    root = tmp_path_factory.getbasetemp() / "pushed-curves"
    root.mkdir(exist_ok=True)
    pushed = _pushed(root, w_and_b, online.pathspec, metadata_of(flows_root))[step]
    own = online.run(step)

    assert axes_of(pushed) == axes_of(own)
    both = [[json.dumps(row, sort_keys=True) for row in rows_of(run)] for run in (pushed, own)]
    unlike = [pair for pair in zip_longest(*both) if pair[0] != pair[1]]
    assert unlike[:3] == []
    assert values_of(pushed) == values_of(own)


def test_settings(
    online: Synced, flows_root: Path, tmp_path: Path, w_and_b: WandbServer, project: str
) -> None:
    """Patterns name the artifacts that become charts, also a table without an epoch."""
    at = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    sandbox = Sandbox(tmp_path, at)
    common = (
        online.pathspec,
        "--project",
        project,
        "--json",
        "--metadata",
        metadata_of(flows_root),
    )
    done = sandbox.mfwb("sync", *common, MFWB_CURVES="data,hist*")
    assert done.code == 0, done.err
    runs = {
        run["name"].rsplit("/", 1)[1]: run for run in done.document["flow_runs"][0]["wandb_runs"]
    }
    start = w_and_b.state.run(f"acme/{project}/{runs['start']['id']}")

    assert axes_of(start) == {
        "loss": "history/index",
        "val_loss": "history/index",
        "history/acc": "history/index",
        "x": "data/index",
        "y": "data/index",
    }
    assert start.summary["loss_curve"] == [0.9, 0.5, 0.25]

    off = sandbox.mfwb("sync", *common, MFWB_CURVES="false")
    assert off.code == 0, off.err
    start = w_and_b.state.run(f"acme/{project}/{runs['start']['id']}")
    assert axes_of(start) == {}
    assert start.summary["history"]["loss"] == [1.0, 0.5]
    assert start.summary["acc"] == 0.7


def test_an_update_of_mfwb(online: Synced, flows_root: Path, tmp_path: Path, project: str) -> None:
    """Rows that an earlier mfwb wrote stay; the new charts are added, and nothing is lost."""
    with WandbServer() as server:
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        sandbox = Sandbox(tmp_path, at)
        to = ("--project", project, "--json", "--metadata", metadata_of(flows_root))
        first = sandbox.mfwb("sync", online.pathspec, *to)
        assert first.code == 0, first.err
        with server.store.lock:
            for run in server.store.runs.values():
                run.history[:] = [_as_before(json.loads(row)) for row in run.history]
        before = {name: len(run.history) for name, run in server.store.runs.items()}

        again = sandbox.mfwb("sync", online.pathspec, *to, "--force")
        verified = sandbox.mfwb("verify", online.pathspec, *to)
        third = sandbox.mfwb("sync", online.pathspec, *to)

        after = {name: len(run.history) for name, run in server.store.runs.items()}
    assert again.code == 0, again.err
    assert again.document["totals"]["losses"] == 0
    assert verified.code == 0, verified.out
    assert third.document["flow_runs"][0]["status"] == "unchanged"
    assert sum(after.values()) > sum(before.values())


def _as_before(row: dict[str, Any]) -> str:
    """Return a row as mfwb 0.1.0 wrote it: lists under `curves/`, and no x axes."""
    kept = {"loss_curve", "layers", "long", "loss/0", "loss/1"}
    old = {f"curves/{name}": row[name] for name in kept & row.keys()}
    return json.dumps(
        {
            **{
                name: value for name, value in row.items() if name in {"_step", "_timestamp", "acc"}
            },
            **{name: value for name, value in row.items() if name.startswith("tasks/")},
            **old,
        }
    )


def test_verification(
    online: Synced, flows_root: Path, w_and_b: WandbServer, tmp_path: Path
) -> None:
    """It finds all as it should be, but for the charts of tables, which it does not compare."""
    at = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    to = ("--project", online.project, "--json", "--metadata", metadata_of(flows_root))
    done = Sandbox(tmp_path, at).mfwb("verify", online.pathspec, *to)

    assert done.code == 0, done.out
    assert "charts of tables" in done.out


def test_a_list_that_is_too_large_for_the_summary(tmp_path: Path) -> None:
    """It is a chart all the same, with all of its points."""
    sandbox = Sandbox(tmp_path)
    points = ("--points", "12000", "--run-id-file", "id.txt")
    assert sandbox.flow("curves_flow", "run", *points).code == 0
    pathspec = f"CurvesFlow/{(tmp_path / 'id.txt').read_text(encoding='utf-8')}"
    to = ("--project", "p", "--entity", "acme", "--mode", "offline", "--dir", "bundle")

    done = sandbox.mfwb("sync", pathspec, "--json", *to, "--metadata", metadata_of(tmp_path))

    assert done.code == 0, done.err
    assert done.document["totals"]["losses"] == 0
    [values] = [
        found
        for path in (tmp_path / "bundle").rglob("run-*.wandb")
        if (found := _points_of("long", path))
    ]
    assert values == [number / 7 for number in range(12_000)]


def _points_of(name: str, path: Path) -> list[float]:
    """Return the values of a key in the rows of a file of records."""
    return [
        json.loads(item.value_json)
        for record in read_records(path, Record)
        for item in record.history.item
        if name in {item.key, *item.nested_key}
    ]
