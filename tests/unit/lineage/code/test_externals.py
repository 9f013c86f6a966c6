"""Reads from other flow runs."""

from __future__ import annotations

import pytest

from mfwb.lineage.code import External
from tests.unit.lineage.code.reading import HEAD, flow_code, step

MODEL = "model"
EXTERNALS = {
    'Run("X/1").data.model': External("run", "X/1", MODEL),
    'Run(pathspec="X/1").data.model': External("run", "X/1", MODEL),
    'Run("X/1")': External("run", "X/1"),
    'run = Run("X/1")\nprint(run.data.model)': External("run", "X/1", MODEL),
    'Flow("X").latest_run.data.model': External("flow", "X", MODEL),
    'Flow("X").latest_successful_run["train"].task.data.model': External("flow", "X", MODEL),
    'Flow("X")["12"].data.model': External("run", "X/12", MODEL),
    'for run in Flow("X"):\n    run.data.model': External("flow", "X", MODEL),
    'for run in Flow("X").runs("tag"):\n    run.data.model': External("flow", "X", MODEL),
    'list(Flow("X").runs())[0].data.model': External("flow", "X", MODEL),
    'next(iter(Flow("X"))).data.model': External("flow", "X", MODEL),
    'Run("X/1")["train"].task.data.model': External("step", "X/1/train", MODEL),
    'for t in Run("X/1")["train"]:\n    t.data.model': External("step", "X/1/train", MODEL),
    '[t.data.model for t in Run("X/1")["train"].tasks()]': External("step", "X/1/train", MODEL),
    'Run("X/1")["train"]["2"].data.model': External("task", "X/1/train/2", MODEL),
    'for s in Run("X/1"):\n    s.task.data.model': External("step", "X/1/*", MODEL),
    'Run("X/1")[name].task.data.model': External("step", "X/1/*", MODEL),
    'Flow("X")["12"]["train"].task.data.model': External("step", "X/12/train", MODEL),
    'Run("X/1").end_task["model"].data': External("run", "X/1", MODEL),
    'Run("X/1").end_task.artifacts.model.data': External("run", "X/1", MODEL),
    'getattr(Run("X/1").data, "model")': External("run", "X/1", MODEL),
    'Step("X/1/train").task.data.model': External("step", "X/1/train", MODEL),
    'Task("X/1/train/2").data.model': External("task", "X/1/train/2", MODEL),
    'Task("X/1/train/2")["model"].data': External("task", "X/1/train/2", MODEL),
    'DataArtifact("X/1/train/2/model").data': External("artifact", "X/1/train/2/model"),
    "current.trigger.run.data.model": External("trigger", "", MODEL),
    'current.trigger.run["train"].task.data.model': External("trigger", "train", MODEL),
    'current.trigger.run["train"]["2"].data.model': External("trigger", "train/2", MODEL),
    "for s in current.trigger.run:\n    s.task.data.model": External("trigger", "*", MODEL),
    'current.trigger["X"]["train"].task.data.model': External("trigger", "train", MODEL),
    'current.trigger["X"].data.model': External("trigger", "", MODEL),
    "current.trigger.runs[0].data.model": External("trigger", "", MODEL),
    "for r in current.trigger.runs:\n    r.data.model": External("trigger", "", MODEL),
    "run = current.trigger.run if current.trigger else Run(NAME)\nrun.data.model": None,
    "self.helper()": External("run", "X/7", MODEL),
    "load().data.model": External("run", "X/8", MODEL),
    "Run(NAME).data.model": External("run", "X/9", MODEL),
    "Run(n).data.model": None,
    "current.run_id": None,
    'Other("X/1").data.model': None,
}


@pytest.mark.parametrize("body", EXTERNALS)
def test_externals(body: str) -> None:
    """Which flow run is read, and which artifact of it, as far as constants tell."""
    found = step(
        body,
        members='def helper(self):\n    return Run("X/7").data.model',
        above='NAME = "X/9"\ndef load():\n    return Run("X/8")',
    )
    expected = EXTERNALS[body]

    if body.startswith("run = current"):
        assert found.externals == {External("trigger", "", MODEL), External("run", "X/9", MODEL)}
    else:
        assert found.externals == ({expected} if expected else set())
    assert found.doubts == ()
    assert found.reads == frozenset()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import metaflow", "metaflow.Run"),
        ("import metaflow as mf", "mf.Run"),
        ("from metaflow import Run as R", "R"),
        ("from metaflow.client import Run", "Run"),
        ("from metaflow import client", "client.Run"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_imported_names(line: str, name: str, inside: bool) -> None:  # noqa: FBT001
    """Under whatever name, at the top or inside the step."""
    above, within = ("", f"{line}; ") if inside else (line, "")

    found = flow_code(
        f"{HEAD}{above}\nclass F(FlowSpec):\n @step\n def a(self):\n"
        f"  {within}self.m = {name}('X/1').data.m"
    )

    assert found.steps["a"].externals == {External("run", "X/1", "m")}


def test_two_artifacts_of_one_run() -> None:
    """Each is told, and the run not once more without one."""
    found = step('r = Run("X/1")\nself.a_ = r.data.a\nself.b_ = r.data.b\nq = Run("Y/2")')

    assert found.externals == {
        External("run", "X/1", "a"),
        External("run", "X/1", "b"),
        External("run", "Y/2"),
    }
