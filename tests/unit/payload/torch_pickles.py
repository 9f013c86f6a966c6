"""Real pickles of torch, and what is known of each after a look inside."""

from __future__ import annotations

import json

import pytest

from mfwb.payload.type_inspection import inspect_types
from mfwb.snapshot import ArtifactRef, FlowRun, FlowRunState, Step, Task, TaskState
from tests.torch.flow_run import DATA, RECORDED
from tests.unit.payload.memory import TASK, MemoryContents

FACTS = json.loads(RECORDED.read_text(encoding="utf-8"))
every_pickle = pytest.mark.parametrize("name", sorted(FACTS))


def looked_into(name: str, contents: MemoryContents) -> ArtifactRef:
    """Return an artifact as Metaflow recorded it, and as it is known after a look inside."""
    content = contents.add_bytes((DATA / f"{name}.pkl").read_bytes(), name)
    kind, encoding = (FACTS[name][fact] for fact in ("type", "encoding"))
    recorded = kind.removeprefix("<class '").removesuffix("'>")
    ref = ArtifactRef(name, content.sha1, content.size, type=recorded, encoding=encoding)
    task = Task(TASK, TaskState.OK, artifacts=(ref,))
    flow_run = FlowRun(
        flow="Flow",
        id="1",
        state=FlowRunState.FINISHED,
        provider="local@/data",
        user=None,
        started_at=0,
        finished_at=None,
        tags=(),
        system_tags=(),
        parameters=(),
        steps=(Step("train", (task,)),),
    )
    [result] = [
        artifact for task in inspect_types(flow_run, contents).tasks for artifact in task.artifacts
    ]
    return result
