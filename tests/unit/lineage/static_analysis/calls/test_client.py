"""Reads from other flow runs."""

from __future__ import annotations

import pytest

from mfwb.lineage.static_analysis import (
    ArtifactValue,
    ExternalRead,
    InputRead,
    LookedUpRun,
    StoredRunId,
)
from tests.unit.lineage.static_analysis.reading import HEAD, flow_code, step

MODEL = "model"
EXTERNALS = {
    'Run("X/1").data.model': ExternalRead("run", "X/1", MODEL),
    'Run(pathspec="X/1").data.model': ExternalRead("run", "X/1", MODEL),
    'Run("X/1")': ExternalRead("run", "X/1"),
    'run = Run("X/1")\nprint(run.data.model)': ExternalRead("run", "X/1", MODEL),
    'Flow("X").latest_run.data.model': ExternalRead("flow", "X", MODEL),
    'Flow("X").latest_successful_run["train"].task.data.model': ExternalRead("flow", "X", MODEL),
    'Flow("X")["12"].data.model': ExternalRead("run", "X/12", MODEL),
    'for run in Flow("X"):\n    run.data.model': ExternalRead("flow", "X", MODEL),
    'for run in Flow("X").runs("tag"):\n    run.data.model': ExternalRead("flow", "X", MODEL),
    'list(Flow("X").runs())[0].data.model': ExternalRead("flow", "X", MODEL),
    'next(iter(Flow("X"))).data.model': ExternalRead("flow", "X", MODEL),
    'Run("X/1")["train"].task.data.model': ExternalRead("step", "X/1/train", MODEL),
    'for t in Run("X/1")["train"]:\n    t.data.model': ExternalRead("step", "X/1/train", MODEL),
    '[t.data.model for t in Run("X/1")["train"].tasks()]': ExternalRead("step", "X/1/train", MODEL),
    'Run("X/1")["train"]["2"].data.model': ExternalRead("task", "X/1/train/2", MODEL),
    'for s in Run("X/1"):\n    s.task.data.model': ExternalRead("step", "X/1/*", MODEL),
    'Run("X/1")[name].task.data.model': ExternalRead("step", "X/1/*", MODEL),
    'Flow("X")["12"]["train"].task.data.model': ExternalRead("step", "X/12/train", MODEL),
    'Run("X/1").end_task["model"].data': ExternalRead("run", "X/1", MODEL),
    'Run("X/1").end_task.artifacts.model.data': ExternalRead("run", "X/1", MODEL),
    'getattr(Run("X/1").data, "model")': ExternalRead("run", "X/1", MODEL),
    'Step("X/1/train").task.data.model': ExternalRead("step", "X/1/train", MODEL),
    'Task("X/1/train/2").data.model': ExternalRead("task", "X/1/train/2", MODEL),
    'Task("X/1/train/2")["model"].data': ExternalRead("task", "X/1/train/2", MODEL),
    'DataArtifact("X/1/train/2/model").data': ExternalRead("artifact", "X/1/train/2/model"),
    "current.trigger.run.data.model": ExternalRead("trigger", "", MODEL),
    'current.trigger.run["train"].task.data.model': ExternalRead("trigger", "train", MODEL),
    'current.trigger.run["train"]["2"].data.model': ExternalRead("trigger", "train/2", MODEL),
    "for s in current.trigger.run:\n    s.task.data.model": ExternalRead("trigger", "*", MODEL),
    'current.trigger["X"]["train"].task.data.model': ExternalRead("trigger", "train", MODEL),
    'current.trigger["X"].data.model': ExternalRead("trigger", "", MODEL),
    "current.trigger.runs[0].data.model": ExternalRead("trigger", "", MODEL),
    "for r in current.trigger.runs:\n    r.data.model": ExternalRead("trigger", "", MODEL),
    "run = current.trigger.run if current.trigger else Run(NAME)\nrun.data.model": None,
    "self.helper()": ExternalRead("run", "X/7", MODEL),
    "load().data.model": ExternalRead("run", "X/8", MODEL),
    "Run(NAME).data.model": ExternalRead("run", "X/9", MODEL),
    "Run(n).data.model": None,
    "current.run_id": None,
    'Other("X/1").data.model': None,
}


@pytest.mark.parametrize("body", EXTERNALS)
def test_externals(body: str) -> None:
    """Which flow run is read, and which artifact of it, as far as constants tell."""
    result = step(
        body,
        members='def helper(self):\n    return Run("X/7").data.model',
        above='NAME = "X/9"\ndef load():\n    return Run("X/8")',
    )
    expected = EXTERNALS[body]
    reported = {ExternalRead(read.kind, read.pathspec, read.artifact) for read in result.externals}

    if body.startswith("run = current"):
        assert reported == {ExternalRead("trigger", "", MODEL), ExternalRead("run", "X/9", MODEL)}
    else:
        assert reported == ({expected} if expected else set())
    assert result.doubts == ()
    assert result.reads == frozenset()


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

    result = flow_code(
        f"{HEAD}{above}\nclass F(FlowSpec):\n @step\n def a(self):\n"
        f"  {within}self.m = {name}('X/1').data.m"
    )

    assert result.steps["a"].externals == {ExternalRead("run", "X/1", "m")}


def test_two_artifacts_of_one_run() -> None:
    """Each is told, and the run not once more without one."""
    result = step('r = Run("X/1")\nself.a_ = r.data.a\nself.b_ = r.data.b\nq = Run("Y/2")')

    assert result.externals == {
        ExternalRead("run", "X/1", "a"),
        ExternalRead("run", "X/1", "b"),
        ExternalRead("run", "Y/2"),
    }


UP = ArtifactValue("up")
WORDS = {
    "Run(self.up).data.m": ("run", "{up}", (UP,)),
    "Run(str(self.up)).data.m": ("run", "{up}", (UP,)),
    'Run(f"X/{self.up}").data.m': ("run", "X/{up}", ("X/", UP)),
    'Run("X/" + self.up).data.m': ("run", "X/{up}", ("X/", UP)),
    'Run("X/%s" % self.up).data.m': ("run", "X/{up}", ("X/", UP)),
    'Run("%s/%s" % (self.f, self.up)).data.m': (
        "run",
        "{f}/{up}",
        (ArtifactValue("f"), "/", UP),
    ),
    'Run("X/{}".format(self.up)).data.m': ("run", "X/{up}", ("X/", UP)),
    'Run("/".join(["X", self.up])).data.m': ("run", "X/{up}", ("X/", UP)),
    'Flow("X")[self.up].data.m': ("run", "X/{up}", ("X/", UP)),
    'Flow("X")[self.up]["train"].task.data.m': ("step", "X/{up}/train", ("X/", UP, "/train")),
    "Flow(self.up)['7'].data.m": ("run", "{up}/7", (UP, "/7")),
    "Step(self.up).task.data.m": ("step", "{up}", (UP,)),
    "Task(self.up).data.m": ("task", "{up}", (UP,)),
    "up = self.up\nRun(up).data.m": ("run", "{up}", (UP,)),
    "load(self.up).data.m": ("run", "{up}", (UP,)),
    "Run(self.cfg.deep.up).data.m": (
        "run",
        "{cfg.deep.up}",
        (ArtifactValue("cfg", ("deep", "up")),),
    ),
    'Run(self.cfg["up"]).data.m': ("run", "{cfg.up}", (ArtifactValue("cfg", ("up",)),)),
    'Run(self.cfg.get("up")).data.m': ("run", "{cfg.up}", (ArtifactValue("cfg", ("up",)),)),
    "for up in self.ups:\n    Run(up).data.m": ("run", "{ups.*}", (ArtifactValue("ups", (None,)),)),
    "[Run(up).data.m for up in self.ups]": ("run", "{ups.*}", (ArtifactValue("ups", (None,)),)),
    "Run(self.ups[-1]).data.m": ("run", "{ups.-1}", (ArtifactValue("ups", (-1,)),)),
    "Run(self.input).data.m": ("run", "{input}", (ArtifactValue(""),)),
    "Run(inputs[0].up).data.m": (
        "run",
        "{inputs.up}",
        (ArtifactValue("up", of_input=InputRead("up", None, 0)),),
    ),
    "Run(inputs.a.up).data.m": (
        "run",
        "{inputs.a.up}",
        (ArtifactValue("up", of_input=InputRead("up", "a")),),
    ),
    "current.trigger.run[self.up].task.data.m": ("trigger", "{up}", (UP,)),
    "self.up = 1\nRun(self.up).data.m": ("run", "{up}", (ArtifactValue("up", changed=True),)),
    "Flow(current.flow_name)['7'].data.m": ("run", "F/7", ()),
}


@pytest.mark.parametrize("body", WORDS)
def test_named_by_values(body: str) -> None:
    """What a value is, the flow run tells; where it stands, the code."""
    result = step(body, above="def load(up):\n    return Run(up)", members="up = Parameter('up')")

    [reported] = [read for read in result.externals if read.artifact]
    kind, pathspec, parts = WORDS[body]
    assert reported == ExternalRead(kind, pathspec, "m", parts)
    assert result.doubts == ()


@pytest.mark.parametrize(
    "body",
    [
        "Run(self.a + self.b).data.m",  # these may be numbers
        "Run(str(self.a + 1)).data.m",
        'Run(f"X/{self.up:>8}").data.m',
        'Run(f"X/{self.up!r}").data.m',
        'Run("X/%d" % self.up).data.m',
        "Run(self.up.strip().lower()).data.m",
        "Run(self.a.b.c.d.e).data.m",
        "up = ''\nfor part in self.parts:\n    up = f'{up}/{part}'\nRun(up[1:]).data.m",
    ],
)
def test_made_of_values(body: str) -> None:
    """What code computes of values is not known."""
    assert {read for read in step(body).externals if read.artifact} == set()


def test_one_of_several() -> None:
    """Each may be meant, and that is said."""
    result = step('Run(self.up if self.up else "X/1").data.m')

    assert result.externals == {
        ExternalRead("run", "{up}", "m", (UP,), sure=False),
        ExternalRead("run", "X/1", "m", sure=False),
    }


FOUND = LookedUpRun(("X",))
KEPT = {
    "self.r = run.id": StoredRunId("r", (), (FOUND,)),
    "self.r = run.pathspec": StoredRunId("r", (), ("X/", FOUND)),
    "self.r = f'run {run.id}'": StoredRunId("r", (), ("run ", FOUND)),
    "self.r = {'run': {'id': run.id}, 'n': 1}": StoredRunId("r", ("run", "id"), (FOUND,)),
    "keep(self, run)": StoredRunId("r", (), (FOUND,)),
}


@pytest.mark.parametrize("body", KEPT)
def test_what_a_step_keeps_of_the_run_it_found(body: str) -> None:
    """It tells later which one that was."""
    result = step(
        f'run = Flow("X").latest_run\nrun["train"].task.data.m\n{body}',
        above="def keep(flow, run):\n    flow.r = run.id",
    )

    parts = ("X/", FOUND, "/train")
    assert result.externals == {ExternalRead("flow", "X", "m", parts, frozenset({KEPT[body]}))}
