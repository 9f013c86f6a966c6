"""The flow runs that reads name by recorded values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mfwb.lineage import rebuild_lineage, resolve_external_reads, select_values_to_read
from mfwb.lineage.static_analysis import (
    ArtifactValue,
    ExternalRead,
    InputRead,
    LookedUpRun,
    StoredRunId,
    TextParts,
)
from mfwb.snapshot import FlowRun, Parameter
from tests.support.flow_runs import at, flow_run, ref, sha, spec, task

UP = ArtifactValue("up")
FOUND = LookedUpRun(("X",))
RUN = replace(
    flow_run(
        task("start/1", to="a b", has="up=1 ups=2 cfg=3"),
        task("a/2", to="join", has="up=1 ups=2 cfg=3 own=4"),
        task("b/3", to="join", has="up=5 ups=2 cfg=3"),
        task("join/4", to="fan", over="ups", has="ups=2 kept=6"),
        task("fan/5", to="end", has="ups=2 x=7", foreach=at("join:ups:0")),
        task("fan/6", to="end", has="ups=2 x=8", foreach=at("join:ups:1")),
        task("end/7"),
    ),
    parameters=(
        Parameter("given", "Parameter", ref("given", "9"), "X/9"),
        Parameter("text", "IncludeFile", ref("text", "9"), {"name": "X/9"}),
    ),
)
VALUES: dict[str, Any] = {
    sha("1"): "X/1",
    sha("2"): ["X/1", "X/2"],
    sha("3"): {"deep": {"up": "X/3"}, "n": 4},
    sha("4"): "X/4",
    sha("5"): "X/5",
    sha("6"): {"run": "X/6"},
}


def _resolved(
    task_path: str,
    *parts: object,
    values: Mapping[str, Any] = VALUES,
    run: FlowRun = RUN,
    **more: Any,
) -> set[tuple[str, str, bool]]:
    """Return kind, pathspec and certainty of what a read of `m` in a task means."""
    facts = {"kind": "run", "pathspec": "?", **more}
    read = ExternalRead(artifact="m", parts=tuple(parts), **facts)  # type: ignore[arg-type]
    lineage = replace(rebuild_lineage(run), externals={spec(task_path): (read,)})
    wanted = {artifact.sha1 for artifact in select_values_to_read(run, lineage)}
    known = {sha1: value for sha1, value in values.items() if sha1 in wanted}
    result = resolve_external_reads(run, lineage, known).externals[spec(task_path)]
    return {(item.kind, "?" if item.parts else item.pathspec, item.sure) for item in result}


@pytest.mark.parametrize(
    ("task_path", "parts", "expected"),
    [
        ("a/2", (UP,), {"X/1"}),
        ("a/2", (ArtifactValue("given"),), {"X/9"}),
        ("a/2", ("X/", ArtifactValue("cfg", ("n",))), {"X/4"}),
        ("a/2", (ArtifactValue("cfg", ("deep", "up")),), {"X/3"}),
        ("a/2", (ArtifactValue("ups", (None,)),), {"X/1", "X/2"}),
        ("a/2", (ArtifactValue("ups", (-1,)),), {"X/2"}),
        ("fan/6", (ArtifactValue(""),), {"X/2"}),
        ("join/4", (ArtifactValue("up", of_input=InputRead("up", "b")),), {"X/5"}),
        ("join/4", (ArtifactValue("up", of_input=InputRead("up")),), {"X/1", "X/5"}),
        ("a/2", (ArtifactValue("own", changed=True),), {"X/4"}),
    ],
)
def test_values(task_path: str, parts: TextParts, expected: set[str]) -> None:
    """The values that the task received; each of several is possible, and a changed one, too."""
    sure = len(expected) == 1 and not any(isinstance(w, ArtifactValue) and w.changed for w in parts)

    assert _resolved(task_path, *parts) == {("run", text, sure) for text in expected}


@pytest.mark.parametrize(
    "parts",
    [
        (ArtifactValue("nothing"),),
        (ArtifactValue("text"),),
        (ArtifactValue("own"),),  # written later
        (ArtifactValue("cfg"),),
        (ArtifactValue("cfg", ("n",)),),  # no pathspec of a run
        (ArtifactValue("cfg", ("deep",)),),
        (ArtifactValue("ups", (7,)),),
        (ArtifactValue("ups", ("x",)),),
        (UP, "/start"),  # that would be one of a step
        ("X/", UP),
        ("", UP, "/"),
    ],
)
def test_values_that_name_no_flow_run(parts: TextParts) -> None:
    """The read stays as the code says it."""
    assert _resolved("a/2", *parts) == {("run", "?", True)}


def test_values_that_cannot_be_had() -> None:
    """They tell nothing; and what is large is not asked for."""
    large = replace(RUN, steps=(replace(RUN.steps[0], tasks=(_large(RUN),)), *RUN.steps[1:]))

    assert _resolved("a/2", UP, values={}) == {("run", "?", True)}
    assert _resolved("a/2", UP, run=large) == {("run", "?", True)}


def _large(run: FlowRun) -> Any:
    [start] = run.steps[0].tasks
    return replace(start, artifacts=tuple(replace(ref, size=10**6) for ref in start.artifacts))


def test_below_a_run_and_below_a_trigger() -> None:
    """Steps and tasks may be named by values, too."""
    assert _resolved("a/2", UP, "/start", kind="step") == {("step", "X/1/start", True)}
    assert _resolved("a/2", ArtifactValue("cfg", ("n",)), kind="trigger") == {
        ("trigger", "4", True)
    }


@pytest.mark.parametrize(
    ("stored_run_ids", "expected"),
    [
        (StoredRunId("kept", ("run",), ("X/", FOUND)), {("step", "X/6/train", False)}),
        (StoredRunId("kept", ("run",), (FOUND,)), {("flow", "?", True)}),
        (StoredRunId("kept", ("nothing",), ("X/", FOUND)), {("flow", "?", True)}),
        (StoredRunId("nothing", (), (FOUND,)), {("flow", "?", True)}),
    ],
)
def test_stored_ids_name_the_looked_up_run(
    stored_run_ids: StoredRunId, expected: set[tuple[str, str, bool]]
) -> None:
    """It may be another one of that flow; so it is not sure."""
    parts = ("X/", FOUND, "/train")

    assert (
        _resolved("join/4", *parts, kind="flow", stored_run_ids=frozenset({stored_run_ids}))
        == expected
    )


@pytest.mark.parametrize(
    ("parts", "text", "expected"),
    [
        (("X/", FOUND, "-", UP), "X/6-17-18", "X/6"),
        ((UP, "-", FOUND), "17-18-6", "X/6"),
        ((UP, "/", FOUND, "/", UP), "prod/X/6/train", "X/6"),
        (("a", UP, "b", UP, "-", FOUND, "-", UP, "e"), "a-b--6-e", "X/6"),
        (("a", UP, "b", FOUND), "b-ab6", "?"),
        (("a", FOUND, "b", UP, "b"), "a6b", "?"),
        ((UP, FOUND), "X/6", "?"),  # nobody can tell where it begins
        ((FOUND, UP), "6/7", "?"),
        ((UP, "x", UP, "x", FOUND, "x", UP, "y"), "x" * 1_000, "?"),
    ],
)
def test_an_id_among_values_that_are_not_known(parts: TextParts, text: str, expected: str) -> None:
    """It is told by the texts beside it, in no time."""
    values = {**VALUES, sha("6"): {"run": text}}
    stored_run_ids = frozenset({StoredRunId("kept", ("run",), parts)})

    result = _resolved(
        "join/4", "X/", FOUND, values=values, kind="flow", stored_run_ids=stored_run_ids
    )

    assert {pathspec for _, pathspec, _ in result} == {expected}


def test_not_more_than_there_can_be() -> None:
    """Values can name any number; a hundred are enough for one read."""
    values = {**VALUES, sha("2"): [f"X/{n}" for n in range(10_000)]}

    assert len(_resolved("a/2", ArtifactValue("ups", (None,)), values=values)) == 100
    twice = (ArtifactValue("ups", (None,)), ArtifactValue("ups", (None,)))
    assert len(_resolved("a/2", *twice, values=values, kind="task")) <= 100


def test_the_same_read_twice() -> None:
    """Where one is sure, there is no other that is not."""
    read = (ExternalRead("run", "?", "m", (UP,)), ExternalRead("run", "?", "m", (UP,), sure=False))
    lineage = replace(rebuild_lineage(RUN), externals={spec("a/2"): read})

    result = resolve_external_reads(RUN, lineage, VALUES).externals[spec("a/2")]

    assert result == (ExternalRead("run", "X/1", "m"),)
