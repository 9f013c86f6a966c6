"""Real pickles of torch, read without torch."""

from __future__ import annotations

import json

import pytest

from mfwb.payload import PayloadBuilder
from mfwb.payload.type_inspection import inspect_types
from mfwb.planning import Content, Form
from mfwb.planning.classify import Classification, classify
from mfwb.snapshot import ArtifactRef, FlowRun, FlowRunState, Step, Task, TaskState
from tests.torch.flow_run import DATA, RECORDED
from tests.torch.kinds import KINDS, LARGE
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

_FACTS = json.loads(RECORDED.read_text(encoding="utf-8"))

every_pickle = pytest.mark.parametrize("name", sorted(_FACTS))


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    found = MemoryContents()
    found.logs[TASK] = []
    return found


def looked_into(name: str, contents: MemoryContents) -> ArtifactRef:
    """Return an artifact as Metaflow recorded it, and as it is known after a look inside."""
    content = contents.add_bytes((DATA / f"{name}.pkl").read_bytes(), name)
    kind, encoding = (_FACTS[name][fact] for fact in ("type", "encoding"))
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
    [found] = [one for task in inspect_types(flow_run, contents).tasks for one in task.artifacts]
    return found


def test_all_but_the_large_one_are_kept() -> None:
    """A pickle for each, and no other."""
    kept = {file.stem for file in DATA.glob("*.pkl")}
    assert kept == set(_FACTS) == KINDS.keys() - {LARGE}


@every_pickle
def test_kind(name: str, contents: MemoryContents) -> None:
    """Modules, and what holds one, are models; tensors and optimizers are not."""
    assert classify(looked_into(name, contents)) == Classification(KINDS[name], Form.PICKLE)


@every_pickle
def test_prepared(name: str, contents: MemoryContents, builder: PayloadBuilder) -> None:
    """Each goes as the very pickle, and says that it takes torch to load it."""
    ref = looked_into(name, contents)
    content = Content(TASK, name, ref.sha1, ref.size)
    planned = output(planned_file(content, classify(ref).form, name), name=name)

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    [artifact] = ready.artifacts
    [file] = artifact.files
    assert ready.losses == ()
    assert file.path == f"{name}.pkl"
    assert file.local is not None
    assert file.local.read_bytes() == (DATA / f"{name}.pkl").read_bytes()
    assert "torch" in artifact.metadata["modules"]
    assert "Loading it runs code of: " in artifact.description
