"""Codec of snapshots, to and from JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from mfwb.snapshot import Card, Datastore, Failure, Loss, TaskState
from mfwb.snapshot.codec import from_json, to_json
from tests.support.flow_runs import at, data_frame, flow_run, parameter, ref, task, tried
from tests.unit.random_flows import Block, act_out, flows

FULL = flow_run(
    task("start/1", to="work", over="items", has=[data_frame("x"), ref("d", names=("a.B",))]),
    task(
        "work/2",
        foreach=at("work:items:0"),
        rounds=(1,),
        state=TaskState.FAILED,
        failure=Failure("ValueError", "nö", "Traceback"),
        attempts=(tried(), tried(None, None, ok=None, number=1)),
        origin="DemoFlow/6/work/2",
        datastore=Datastore("s3", "s3://b/x"),
        metadata={"user": "ada"},
        cards=(Card("default", None, "u"),),
    ),
    parameters=(parameter("cfg", {"a": [1, 2.5, None, True]}, "Config"),),
    tags=("t",),
    losses=(Loss("x", "gone"),),
    finished_at=None,
)


def test_round_trip() -> None:
    """A flow run comes back from its JSON as it was."""
    assert from_json(to_json(FULL)) == FULL


@settings(max_examples=20)
@given(flows())
def test_round_trip_of_any_flow(flow: list[Block]) -> None:
    """So does one of any shape."""
    run = flow_run(*act_out(flow).tasks)

    assert from_json(to_json(run).encode()) == run


def test_plain_json() -> None:
    """States are words, and times numbers."""
    document = json.loads(to_json(FULL))

    assert document["state"] == "finished"
    assert document["steps"][1]["tasks"][0]["state"] == "failed"
    assert document["started_at"] == 1_700_000_000_000


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", to_json(FULL)[:-1]])
def test_what_is_no_flow_run(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValidationError):
        from_json(text)


def test_facts() -> None:
    """A task knows its step, id, position and times, and its artifacts by name."""
    start, work = FULL.tasks

    assert (start.step, start.id, start.index) == ("start", "1", 0)
    assert (start.started_at, start.finished_at) == (None, None)
    assert (work.index, work.started_at, work.finished_at) == (0, None, None)
    assert replace(work, attempts=(tried(),)).started_at == 1_000
    assert replace(work, attempts=(tried(),)).finished_at == 2_000
    assert start.artifact("x") == data_frame("x")
    assert start.artifact("y") is None
    assert [step.is_foreach for step in FULL.steps] == [False, True]


@pytest.mark.parametrize(
    ("encoding", "pickled"),
    [
        ("pickle-v2", True),
        ("pickle-v4", True),
        ("gzip+pickle-v2", True),
        ("gzip+pickle-v4", True),
        ("iotype:json", False),
        ("", False),
    ],
)
def test_is_pickle(encoding: str, pickled: bool) -> None:  # noqa: FBT001 - of a table
    """What Metaflow's own serializer wrote is a pickle."""
    assert ref("x", encoding=encoding).is_pickle == pickled
