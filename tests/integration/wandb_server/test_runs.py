"""Runs written by the SDK arrive whole."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.support.wandb_server import WandbServer

from . import deeds
from .client import Client


def test_a_finished_run_arrives_with_all_it_holds(
    server: WandbServer, client: Client, project: str
) -> None:
    """Config, summary, history, console lines and labels are what the client wrote."""
    began = time.monotonic()
    client.do(
        deeds.log_run,
        project,
        "r1",
        name="Flow/1/train",
        group="Flow/1",
        job_type="train",
        tags=["a", "b"],
        notes="first",
        config={"lr": 0.1, "metaflow": {"user": "me"}},
        rows=[{"loss": 2.0}, {"loss": 1.0}],
        summary={"best": 1.0},
        text="one\ntwo\n",
    )

    longest = time.monotonic() - began
    run = server.state.run(f"acme/{project}/r1")
    assert (run.state, run.exit_code) == ("finished", 0)
    assert (run.display_name, run.group, run.job_type) == ("Flow/1/train", "Flow/1", "train")
    assert (run.tags, run.notes) == (("a", "b"), "first")
    assert run.config == {"lr": 0.1, "metaflow": {"user": "me"}}
    assert "_wandb" in run.raw_config
    assert (run.summary["best"], run.summary["loss"]) == (1.0, 1.0)
    assert [(row["_step"], row["loss"]) for row in run.history] == [(0, 2.0), (1, 1.0)]
    assert [(line.level, line.line) for line in run.console] == [("info", "one"), ("info", "two")]
    assert b"lr" in run.files["config.yaml"]
    assert run.runtime in range(int(longest) + 1)  # 0, where nothing else is at work


def test_an_exit_code_makes_a_run_failed(server: WandbServer, client: Client, project: str) -> None:
    """finish(exit_code=3) ends in state failed."""
    client.do(deeds.log_run, project, "r1", exit_code=3)

    run = server.state.run(f"acme/{project}/r1")
    assert (run.state, run.exit_code) == ("failed", 3)


def test_origin_is_kept(server: WandbServer, client: Client, project: str) -> None:
    """Host, program and git come from the settings."""
    origin = {
        "host": "cluster",
        "program": "flow.py",
        "git_commit": "c0ffee",
        "git_remote_url": "https://git.example.com/flow",
    }
    client.do(deeds.log_run, project, "r1", extra={**origin, "disable_git": False})

    run = server.state.run(f"acme/{project}/r1")
    assert (run.host, run.program) == ("cluster", "flow.py")
    assert (run.git.commit, run.git.remote) == ("c0ffee", "https://git.example.com/flow")


def test_stderr_lines_have_a_level(server: WandbServer, client: Client, project: str) -> None:
    """What a program prints to stderr is marked as error."""
    client.do(deeds.log_output, project, "r1", "fine\n", "oops\n")

    run = server.state.run(f"acme/{project}/r1")
    lines = sorted((line.level, line.line) for line in run.console)
    assert lines == [("error", "oops"), ("info", "fine")]


def test_files_arrive_byte_by_byte(
    server: WandbServer, client: Client, project: str, tmp_path: Path
) -> None:
    """A saved file and a HTML panel are uploaded."""
    client.do(deeds.save_files, project, "r1", str(tmp_path))

    run = server.state.run(f"acme/{project}/r1")
    panel = next(name for name in run.files if name.startswith("media/html/card_"))
    assert run.files["notes.txt"] == b"keep me"
    assert run.files[panel] == b"<b>card</b>"
    assert run.summary["card"]["path"] == panel


@pytest.mark.parametrize("model", ["counted", "uncounted"])
def test_opening_a_run_again_appends_rows_and_replaces_the_rest(
    server: WandbServer, client: Client, project: str, model: Literal["counted", "uncounted"]
) -> None:
    """Under both models of history a second writer's rows follow the first one's."""
    server.assumptions = replace(server.assumptions, history_on_reinit=model)
    client.do(deeds.log_run, project, "r1", rows=[{"x": 1}, {"x": 2}], config={"a": 1}, tags=["t"])
    client.do(deeds.log_run, project, "r1", rows=[{"x": 3}], config={"b": 2}, exit_code=1)

    run = server.state.run(f"acme/{project}/r1")
    assert [row["x"] for row in run.history] == [1, 2, 3]
    assert run.config == {"b": 2}
    assert run.tags == ("t",)
    assert run.state == "failed"


def test_resuming_continues_the_steps(server: WandbServer, client: Client, project: str) -> None:
    """resume="allow" keeps config and goes on after the last step."""
    client.do(deeds.log_run, project, "r1", rows=[{"x": 1}, {"x": 2}], config={"a": 1})
    client.do(deeds.log_run, project, "r1", rows=[{"x": 3}], config={"b": 2}, resume="allow")

    run = server.state.run(f"acme/{project}/r1")
    assert [(row["_step"], row["x"]) for row in run.history] == [(0, 1), (1, 2), (2, 3)]
    assert run.config == {"a": 1, "b": 2}


def test_resuming_an_unknown_run_is_refused(
    server: WandbServer, client: Client, project: str
) -> None:
    """resume="must" needs a run that is there."""
    error = client.do(deeds.failed_init, project, "r1", resume="must")

    assert error.startswith("UsageError")
    assert server.state.runs(f"acme/{project}") == {}


def test_a_deleted_id_cannot_be_used_again(
    server: WandbServer, client: Client, project: str
) -> None:
    """The id of a deleted run answers 409, which the client retries until it gives up."""
    client.do(deeds.log_run, project, "r1")
    client.do(deeds.delete_run, f"acme/{project}/r1")
    server.clear_requests()
    error = client.do(deeds.failed_init, project, "r1", {"init_timeout": 0.5})

    upserts = server.requests_of("UpsertBucket")
    assert error.startswith("CommError")
    assert {r.status for r in upserts} == {409}
    assert "previously created and deleted" in upserts[0].error
    assert server.state.snapshot(f"acme/{project}")["deleted_runs"] == [f"acme/{project}/r1"]


def test_limits_of_the_server_are_kept(server: WandbServer, client: Client, project: str) -> None:
    """A job type of 65 characters is refused, though the client does not mind."""
    error = client.do(deeds.failed_init, project, "r1", job_type="x" * 65)

    assert "jobType" in error
    assert server.state.runs(f"acme/{project}") == {}


def test_an_unknown_entity_is_refused(server: WandbServer, client: Client, project: str) -> None:
    """A run cannot be written to an entity that is not there."""
    error = client.do(deeds.failed_init, project, "r1", entity="nobody")

    assert "entity nobody not found" in error
    assert [r.status for r in server.requests_of("UpsertBucket")] == [404]
