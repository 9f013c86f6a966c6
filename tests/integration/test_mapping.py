"""What becomes what: a flow run, synced to the stand-in, read from the server's state."""

from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import pytest

from tests.integration.results import Synced

SyncedFlow = Callable[..., Synced]


def test_steps_become_runs_of_one_group(synced: SyncedFlow) -> None:
    """Each step is a W&B run with its pathspec as name, grouped by flow run."""
    linear = synced("linear_flow")

    assert linear.finished.code == 0, linear.finished.err
    for step in ("start", "middle", "end"):
        run = linear.run(step)
        assert (run.group, run.job_type) == (linear.pathspec, step)
        assert (run.state, run.exit_code) == ("finished", 0)
        assert run.display_name == f"{linear.pathspec}/{step}"


def test_config_holds_parameters_and_facts(synced: SyncedFlow) -> None:
    """Parameters are plain config values; what Metaflow recorded is below `metaflow`."""
    linear = synced("linear_flow")

    config = linear.run("middle").config
    facts = config["metaflow"]
    assert config["rate"] == 0.5
    assert config["extra"] == {"depth": [1, 2]}
    assert config["settings"] == {"size": 3}
    assert config["words"]["size"] == len("eins\nzwei\n")
    assert facts["flow_run"] == linear.pathspec
    assert facts["step"] == "middle"
    assert facts["constants"] == {"unit": "meter"}
    assert facts["user"] == "tester"
    assert facts["doc"] == "Three steps in a row."
    assert facts["tasks"] == [f"{linear.pathspec}/middle/2"]


def test_summary_holds_what_the_step_wrote(synced: SyncedFlow) -> None:
    """Base types that a step wrote are in its summary, and in nobody else's."""
    linear = synced("linear_flow")

    start, middle = linear.run("start").summary, linear.run("middle").summary
    assert start["number"] == 41
    assert start["text"] == "grün"
    assert start["nothing"] == "None"
    assert start["missing"] == "NaN"
    assert start["losses"] == 0.25  # the last point of a chart, as W&B has it
    assert start["nested"] == {"left": [1, {"deep": True}], "right": [1, 2]}
    assert start["_own"] == "private"
    assert middle["number"] == 42
    assert "text" not in middle


def test_a_list_of_numbers_is_a_chart(synced: SyncedFlow) -> None:
    """Every number of a list is a point of its curve, over an x axis of its own."""
    history = synced("linear_flow").run("start").history

    assert [row["losses"] for row in history] == [1.0, 0.5, 0.25]
    assert [row["losses/index"] for row in history] == [0, 1, 2]


def test_times_are_those_of_the_flow(synced: SyncedFlow) -> None:
    """Duration and start are the step's own, not the sync's; nor is our host named."""
    run = synced("linear_flow").run("start")

    facts = run.summary["metaflow"]
    started = pd.Timestamp(facts["started_at"]).timestamp()
    assert run.summary["_runtime"] == facts["duration_seconds"]
    assert run.config["metaflow"]["started_at"] == facts["started_at"]
    assert run.history[0]["_timestamp"] == pytest.approx(started)
    assert not run.host
    assert run.program == "linear_flow.py"


def test_a_frame_is_the_parquet_that_pandas_writes(synced: SyncedFlow) -> None:
    """A DataFrame arrives byte for byte as `to_parquet` makes it."""
    artifact = synced("linear_flow").artifact("frame:latest")

    expected = io.BytesIO()
    pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}).to_parquet(expected, engine="pyarrow")
    assert artifact.type == "dataset"
    assert dict(artifact.files) == {"frame.parquet": expected.getvalue()}


@pytest.mark.parametrize(
    ("name", "kind", "files"),
    [
        ("frames", "dataset", ["frames/test.parquet", "frames/train.parquet"]),
        ("words", "dataset", ["words"]),
        ("path", "dataset", ["words.txt"]),
        ("model", "model", ["model.pkl"]),
        ("thing", "other", ["thing.pkl"]),
    ],
)
def test_artifacts_of_every_kind(
    synced: SyncedFlow, name: str, kind: str, files: list[str]
) -> None:
    """Frames in a dict, included files, paths, models and classes of the script all arrive."""
    artifact = synced("linear_flow").artifact(f"{name}:latest")

    assert artifact.type == kind
    assert sorted(artifact.files) == files


def test_versions_carry_latest_and_the_flow_run(synced: SyncedFlow) -> None:
    """Aliases say which flow run made a version."""
    linear = synced("linear_flow")

    run = linear.pathspec.split("/")[1]
    assert sorted(linear.artifact("frame:v0").aliases) == ["latest", f"run-{run}"]


def test_a_path_that_is_gone_is_a_loss_with_its_reason(synced: SyncedFlow) -> None:
    """What can't be had is said, the rest goes on, and the totals add up."""
    linear = synced("linear_flow")

    [loss] = linear.losses  # nothing reads it, so no use is lost with it
    items = linear.finished.document["totals"]["items"]
    assert loss["item"] == f"{linear.pathspec}/start/1/gone"
    assert "--path-root DIR" in loss["reason"]  # whether it is there is nobody's business
    assert items["lost"] == 1
    assert items["total"] == sum(count for name, count in items.items() if name != "total")
    assert linear.finished.code == 0


def test_foreach_tasks_share_one_run(synced: SyncedFlow) -> None:
    """Siblings are rows of one W&B run: history, table, statistics, and a file each."""
    fan = synced("fan_flow")

    run = fan.run("each")
    part = fan.artifact("part:v0")
    assert run.summary["score"] == {"min": 10, "max": 30, "mean": 20.0}
    assert [row["tasks/score"] for row in run.history] == [10, 20, 30]
    assert [row["tasks/index"] for row in run.history] == [0, 1, 2]
    assert run.summary["tasks"]["nrows"] == 3
    assert sorted(part.files) == ["0/part.parquet", "1/part.parquet", "2/part.parquet"]


def test_each_task_is_a_run_if_asked(synced: SyncedFlow) -> None:
    """With granularity `task` every task has a W&B run, named by its pathspec."""
    fan = synced("fan_flow", "--granularity", "task")

    runs = fan.finished.document["flow_runs"][0]["wandb_runs"]
    names = [run["name"].split("/", 2)[2] for run in runs]
    each = [name for name in names if name.startswith("each/")]
    assert len(names) == 9
    assert sorted(fan.run(name).summary["score"] for name in each) == [10, 20, 30]
    assert all(fan.run(name).job_type == "each" for name in each)


def test_logs_keep_their_lines(synced: SyncedFlow) -> None:
    """What tasks printed is in the Logs tab, with the time it was printed."""
    fan = synced("fan_flow")

    lines = [line.line for line in fan.run("each").console]
    assert sorted(line.split("Z ", 1)[1] for line in lines) == [
        "[0] working on a",
        "[1] working on b",
        "[2] working on c",
    ]


def test_a_failed_flow_run_keeps_what_it_made(synced: SyncedFlow) -> None:
    """The failed step is failed in W&B, with exception, log and the artifacts made before."""
    failing = synced("failing_flow")

    end = failing.run("end")
    assert (end.state, end.exit_code) == ("failed", 1)
    assert end.summary["metaflow"]["exception"] == "builtins.RuntimeError: this is the end"
    assert any("about to fail" in line.line for line in end.console)
    assert any("[stderr]" in line.line for line in end.console)
    assert "evidence.parquet" in failing.artifact("evidence:latest").files
    assert failing.finished.code == 0


def test_a_caught_and_a_retried_task_are_finished(synced: SyncedFlow) -> None:
    """@catch and @retry end well, and the exceptions are told."""
    failing = synced("failing_flow")

    caught, again = failing.run("caught"), failing.run("again")
    [earlier] = again.config["metaflow"]["earlier_attempts"]
    assert caught.state == again.state == "finished"
    assert caught.summary["metaflow"]["tasks"] == {"caught": 1}
    [failure] = caught.config["metaflow"]["failures"]
    assert failure["type"] == "builtins.KeyError"
    assert caught.summary["problem"] == f"builtins.KeyError: {failure['message']}"
    assert earlier["exception"] == "first try"
    assert again.summary["y"] == 2
