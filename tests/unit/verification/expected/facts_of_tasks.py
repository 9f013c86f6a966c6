"""Facts of small flow runs, as values."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mfwb.verification.expected.facts import AttemptFacts, FlowRunFacts, HeldArtifact, TaskFacts

__all__ = ["flow_run", "held", "task"]


def held(name: str, content: str = "0", size: int = 100, kind: str = "int") -> HeldArtifact:
    """Return an artifact; two with the same content have the same sha1."""
    return HeldArtifact(name, content * 40, size, kind, "pickle-v4")


def task(step: str, number: str = "0", **fields: Any) -> TaskFacts:
    """Return a task of F/1 that ended well, from 1 s to 3 s."""
    values: dict[str, Any] = {
        "outcome": "ok",
        "attempts": (AttemptFacts(0, True, 1000, 3000),),  # noqa: FBT003 - its outcome
        "held": {},
        **fields,
    }
    return TaskFacts(f"F/1/{step}/{number}", **values)


def flow_run(*tasks: TaskFacts, **fields: Any) -> FlowRunFacts:
    """Return the flow run F/1 of these tasks, whose steps are in their order."""
    steps: defaultdict[str, tuple[TaskFacts, ...]] = defaultdict(tuple)
    for item in tasks:
        steps[item.step] += (item,)
    values: dict[str, Any] = {
        "flow": "F",
        "id": "1",
        "user": "me",
        "started_at": 1000,
        "state": "finished",
        "tags": frozenset(),
        "system_tags": frozenset(),
        "parameters": {},
        "kinds": {},
        "start_step": "start",
        "end_step": "end",
        "steps": dict(steps),
        "step_types": {},
        "sources": {},
        "code": None,
        "datastore": None,
        **fields,
    }
    return FlowRunFacts(**values)
