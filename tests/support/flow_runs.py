"""Short ways to make snapshots: `task("train/4", to="join", over="items", has="model=m4")`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mfwb.snapshot import (
    ArtifactRef,
    Attempt,
    Failure,
    FlowRun,
    FlowRunState,
    ForeachFrame,
    Parameter,
    Step,
    Task,
    TaskState,
    Transition,
)
from mfwb.snapshot.identifiers import is_sha1
from mfwb.source.graph import sort_steps, sort_tasks

FLOW_RUN = "DemoFlow/7"


def spec(place: str) -> str:
    """Return the pathspec of `step/task` in the flow run of these tests."""
    return f"{FLOW_RUN}/{place}"


def ref(name: str, sha1: str = "1", type_: str = "int", size: int = 5, **facts: Any) -> ArtifactRef:
    """Return an artifact; a small number if nothing else is said."""
    facts = {"encoding": "pickle-v4", **facts}
    return ArtifactRef(name=name, sha1=sha(sha1), size=size, type=type_, **facts)


def sha(text: str) -> str:
    """Return the sha1 that a short name of some content stands for; a sha1 stands for itself."""
    if is_sha1(text):
        return text
    spelled = text.encode().hex().ljust(40, "0")
    return (
        spelled
        if is_sha1(spelled)
        else hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    )


def short(sha1: str) -> str:
    """Return the short name that `sha` made a sha1 of."""
    return bytes.fromhex(sha1).rstrip(b"\0").decode()


def data_frame(name: str, sha1: str = "1", size: int = 1000) -> ArtifactRef:
    """Return an artifact that becomes a dataset."""
    return ref(name, sha1, "pandas.core.frame.DataFrame", size)


def model(name: str, sha1: str = "1", size: int = 1000) -> ArtifactRef:
    """Return an artifact that becomes a model."""
    return ref(name, sha1, "sklearn.linear_model._logistic.LogisticRegression", size)


def at(*places: str) -> tuple[ForeachFrame, ...]:
    """Return foreach frames of `first step:artifact:index`, outermost first."""
    split = [location.split(":") for location in places]
    return tuple(ForeachFrame(step, var, None, int(index)) for step, var, index in split)


def task(
    place: str,
    *,
    to: str = "",
    over: str | None = None,
    has: str | Sequence[ArtifactRef] = "",
    **facts: Any,
) -> Task:
    """Return a task that went well.

    Args:
        place: `step/task`.
        to: the steps it chose to go on with.
        over: the artifact that it fanned out over.
        has: its artifacts, or names and contents of numbers as in "x=1 y=2".
        **facts: other fields of Task.
    """
    if isinstance(has, str):
        has = [ref(name, sha1) for name, sha1 in (pair.split("=") for pair in has.split())]
    return Task(
        pathspec=spec(place),
        **{
            "state": TaskState.OK,
            "artifacts": tuple(sorted(has, key=lambda item: item.name)),
            "transition": Transition(tuple(to.split()), over) if to else None,
            **facts,
        },
    )


def tried(
    started_at: int | None = 1_000,
    finished_at: int | None = 2_000,
    *,
    ok: bool | None = True,
    number: int = 0,
    failure: Failure | None = None,
) -> Attempt:
    """Return an attempt."""
    return Attempt(number, ok, started_at, finished_at, failure)


def flow_run(*tasks: Task, **facts: Any) -> FlowRun:
    """Return a finished flow run of these tasks, sorted as the source sorts them."""
    steps = sort_steps(tasks, "start")
    by_step = {name: [item for item in tasks if item.step == name] for name in steps}
    return FlowRun(
        **{
            "flow": "DemoFlow",
            "id": "7",
            "state": FlowRunState.FINISHED,
            "provider": "local@/data",
            "user": "ada",
            "started_at": 1_700_000_000_000,
            "finished_at": 1_700_000_060_000,
            "tags": (),
            "system_tags": (),
            "parameters": (),
            "steps": tuple(Step(name, sort_tasks(result)) for name, result in by_step.items()),
            **facts,
        }
    )


def parameter(name: str, value: Any = None, kind: str = "Parameter", **facts: Any) -> Parameter:
    """Return a parameter of a flow run."""
    facts = {"sha1": f"p-{name}", **facts}
    return Parameter(name, kind, ref(name, **facts), value)


def shuffled(tasks: Sequence[Task], seed: int = 0) -> list[Task]:
    """Return tasks in an order of no meaning, as Metaflow may list them."""
    return random.Random(seed).sample(tasks, len(tasks))  # noqa: S311 - no secrets here


def renamed(run: FlowRun, flow: str, run_id: str) -> FlowRun:
    """Return the same flow run under another pathspec."""
    steps = tuple(
        replace(
            step,
            tasks=tuple(
                replace(item, pathspec=f"{flow}/{run_id}/{item.step}/{item.id}")
                for item in step.tasks
            ),
        )
        for step in run.steps
    )
    return replace(run, flow=flow, id=run_id, steps=steps)
