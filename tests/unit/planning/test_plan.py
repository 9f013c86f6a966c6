"""The plan as a value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from mfwb.planning import Plan
from mfwb.snapshot import FlowRun, Loss
from tests.support.flow_runs import at, data_frame, flow_run, model, parameter, ref, sha, task
from tests.unit.planning.plans import plan_of


def sample(sha1: str = "m1", value: float = 0.5) -> FlowRun:
    """Return a flow run that has some of everything."""
    return flow_run(
        task("start/1", to="work", over="items", has=[data_frame("wines", "w"), ref("items")]),
        task("work/2", to="join", has=[model("model", "m0")], foreach=at("work:items:0")),
        task("work/3", to="join", has=[model("model", sha1)], foreach=at("work:items:1")),
        task("join/4", has=[ref("best"), ref("table", type_="numpy.ndarray")]),
        parameters=(parameter("alpha", value), parameter("cfg", {"a": [1, None, "ä"]}, "Config")),
        tags=("good",),
        losses=(Loss("x", "gone"),),
    )


def test_levels() -> None:
    """W&B runs come level by level; those of a level don't need one another."""
    plan = plan_of(sample(), granularity="task")

    assert [[run.job_type for run in level] for level in plan.levels()] == [
        ["start"],
        ["work", "work"],
        ["join"],
    ]


def test_json_round_trip() -> None:
    """The whole plan is in its JSON."""
    plan = plan_of(sample())

    assert TypeAdapter(Plan).validate_json(plan.to_json()) == plan


def test_plain_json() -> None:
    """Any program can read a plan."""
    document = json.loads(plan_of(sample()).to_json())

    assert document["flow_run"] == "DemoFlow/7"
    assert document["runs"][1]["outputs"][0]["files"][1] == {
        "stem": "1/model",
        "form": "pickle",
        "content": {"task": "DemoFlow/7/work/3", "name": "model", "sha1": sha("m1"), "size": 1000},
        "preview": None,
        "plugin": "",
    }


def test_equal_plans() -> None:
    """Two plans of the same facts are equal, and so are their digests."""
    item, other = plan_of(sample()), plan_of(sample())

    assert item == other
    assert item.digest == other.digest
    assert [run.fingerprint for run in item.runs] == [run.fingerprint for run in other.runs]


@pytest.mark.parametrize(
    "changed",
    [
        plan_of(sample(sha1="m2")),
        plan_of(sample(value=0.25)),
        plan_of(replace(sample(), tags=())),
        plan_of(replace(sample(), started_at=1_700_000_000_001, provider="service@x")),
        plan_of(replace(sample(), losses=())),
        plan_of(sample(), granularity="task"),
        plan_of(sample(), models=False),
        plan_of(sample(), settings={"run_group": "g"}),
        plan_of(sample(), settings={"run_notes": "n"}),
        replace(plan_of(sample()), entity="else"),
        replace(plan_of(sample()), project="else"),
    ],
)
def test_digest_distinguishes_plans(changed: Plan) -> None:
    """Whatever would be written differently changes the digest."""
    assert changed.digest != plan_of(sample()).digest


def test_fingerprint_is_of_one_wandb_run() -> None:
    """A change in one step's content changes the fingerprint of its W&B run, and of no other."""
    before, after = plan_of(sample()).runs, plan_of(sample(sha1="m2")).runs
    changed = [
        pair.job_type
        for pair, other in zip(before, after, strict=True)
        if pair.fingerprint != other.fingerprint
    ]

    assert changed == ["work"]


PRINT_DIGEST = """
from tests.unit.planning.plans import plan_of
from tests.unit.planning.test_plan import sample
print(plan_of(sample()).digest)
"""


def test_digest_is_the_same_in_every_process() -> None:
    """Digests don't hang on the order of sets, which differs from process to process."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # ours is another one
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == plan_of(sample()).digest


def test_hardly_any_work() -> None:
    """The plan of a flow run without any task is empty."""
    assert plan_of(flow_run()).runs == ()
