"""A flow run of two W&B runs, damaged in one way after the other: each is found and named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfwb.snapshot import Datastore
from mfwb.verification.compare import compare
from mfwb.verification.expected.facts import CardFacts, HeldArtifact
from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedCard,
    ExpectedFile,
    ExpectedFlowRun,
    ExpectedFolder,
    ExpectedLine,
    ExpectedRun,
    ExpectedTable,
    ExpectedUse,
    ExpectedValue,
    Need,
    Statistics,
)
from mfwb.verification.recorded import (
    RecordedArtifact,
    RecordedFile,
    RecordedFlowRun,
    RecordedRun,
)
from mfwb.verification_outcome import Difference
from mfwb.version import __version__

_CLOCK = "2026-01-01 00:00:01.000Z "
_MAKER = frozenset({"F/1/fit"})
_HELD = HeldArtifact("model", "0" * 40, 3, "sklearn.X", "pickle-v4")


def _run(step: str, **fields: Any) -> ExpectedRun:
    values: dict[str, Any] = {
        "name": f"F/1/{step}",
        "group": "F/1",
        "job_type": step,
        "tags": frozenset({"mine"}),
        "state": "finished",
        "config": {"rate": ExpectedValue((0.5,))},
        "facts": {"user": ExpectedValue(("me",))},
        "summary": {},
        "outcome": {"tasks": ExpectedValue(({"ok": 1},))},
        "history": {},
        "table": None,
        "cards": (),
        "log": (),
        "artifacts": (),
        "uses": (),
        "started_at": 1000,
        "runtime": 2.0,
        "may_use_others": False,
    }
    return ExpectedRun(**{**values, **fields})


def _model() -> ExpectedArtifact:
    folders = tuple(
        ExpectedFolder(
            f"{n}/", f"F/1/fit/{n}", _HELD, "pickle", ({"model.pkl": ExpectedFile(3, f"md5-{n}")},)
        )
        for n in range(2)
    )
    return ExpectedArtifact("model", ("model", "model-model"), ("model",), folders)


EXPECTED = ExpectedFlowRun(
    pathspec="F/1",
    state="finished",
    started_at=1000,
    alias="run-1",
    runs=(
        _run(
            "fit",
            summary={
                "score": ExpectedValue((Statistics(1, 3, 2.0),)),
                "maybe": ExpectedValue((1,), Need.ALLOWED),
            },
            history={(0, "tasks/score"): 1, (1, "tasks/score"): 3},
            table=ExpectedTable(("index", "task"), (("0", "a"), ("1", "b")), {}),
            cards=(ExpectedCard("card/0/x", "F/1/fit/1", CardFacts("x", None, "h")),),
            log=(ExpectedLine(_CLOCK, "one"), ExpectedLine("", "two")),
            artifacts=(_model(),),
        ),
        _run("end", uses=(ExpectedUse("model", (_MAKER,), _MAKER),)),
    ),
    final={"model": frozenset({"F/1/fit"})},
    names=frozenset({"score", "maybe", "model", "other"}),
    datastores={"F/1/fit/1": Datastore("local", "/")},
)

MODEL = RecordedArtifact(
    key="m0",
    name="model",
    type="model",
    version="v0",
    digest="d",
    aliases=frozenset({"latest", "run-1"}),
    files={f"{n}/model.pkl": RecordedFile("", 3, f"md5-{n}") for n in range(2)},
    metadata={"metaflow": {"artifact": "model", "size": 6, "tasks": 2}},
    description="Metaflow's artifact `model` of 2 tasks",
    producer="id-fit",
)


def _recorded(step: str, **fields: Any) -> RecordedRun:
    values: dict[str, Any] = {
        "id": f"id-{step}",
        "name": f"F/1/{step}",
        "group": "F/1",
        "job_type": step,
        "state": "finished",
        "tags": frozenset({"mine", "somebody's"}),
        "notes": "somebody's",
        "config": {
            "rate": 0.5,
            "theirs": 1,
            "metaflow": {"user": "me", "pathspec": f"F/1/{step}"},
            "mfwb": {"version": __version__},
        },
        "summary": {"metaflow": {"tasks": {"ok": 1}}, "theirs": 1},
        "history": {},
        "log": (),
        "files": {},
        "logged": (),
        "used": (),
        "started_at": 1.0,
        "runtime": 2.0,
    }
    return RecordedRun(**{**values, **fields})


_CARD = {"_type": "html-file", "path": "c", "size": 9}
FIT = _recorded(
    "fit",
    summary={
        "metaflow": {"tasks": {"ok": 1}},
        "score": {"min": 1, "max": 3, "mean": 2},
        "tasks": {"_type": "table-file", "path": "t", "nrows": 2},
        "card/0/x": _CARD,
    },
    history={
        0: {"tasks/score": 1.0, "theirs": 5, "card/0/x": _CARD},
        1: {"tasks/score": 3},
    },
    log=(f"{_CLOCK}one", "two"),
    files={"t": RecordedFile("t", 5, None), "c": RecordedFile("c", 9, None)},
    logged=(MODEL,),
)
END = _recorded("end", used=(MODEL,))
ALIASED = {("model", "latest"): [MODEL], ("model", "run-1"): [MODEL]}
RECORDED = RecordedFlowRun("F/1", (FIT, END), ALIASED)

_Damage = Callable[[RecordedFlowRun], RecordedFlowRun]


def _differences(recorded: RecordedFlowRun) -> list[Difference]:
    return compare(EXPECTED, recorded).findings.differences


def test_a_correct_flow_run() -> None:
    """What people added is no difference; what may be there need not be; files are returned."""
    result = compare(EXPECTED, RECORDED)

    assert result.findings.differences == []
    assert result.findings.unknown == []
    assert sorted(file.path for file in result.files) == ["0/model.pkl", "1/model.pkl"]
    assert result.findings.compared["edge"] == 2
    assert result.findings.compared["alias"] == 2


@pytest.mark.parametrize(
    ("maker", "differing"), [("id-of-another-flow-run", 0), ("id-fit", 1), ("id-end", 1)]
)
def test_a_step_that_logs_what_it_got_of_another_flow_run(maker: str, differing: int) -> None:
    """The version is of whoever logged it first; within its own flow run the edge is wrong."""
    model = replace(MODEL, producer=maker)
    end = replace(END, used=(model,), logged=(model,) if maker == "id-end" else ())
    recorded = RecordedFlowRun(
        "F/1",
        (replace(FIT, logged=(model,), used=(model,)), end),
        {key: [model] for key in ALIASED},
    )
    fit = replace(EXPECTED.runs[0], may_use_others=True)
    findings = compare(replace(EXPECTED, runs=(fit, EXPECTED.runs[1])), recorded).findings

    edges = [difference for difference in findings.differences if difference.kind == "edge"]
    assert len(edges) == differing
    assert len(findings.unknown) == 1 - differing


def test_a_point_that_is_no_number_is_the_same() -> None:
    """W&B gives NaN back as NaN, which equals nothing."""
    fit = replace(EXPECTED.runs[0], history={(0, "tasks/score"): math.nan})
    expected = replace(EXPECTED, runs=(fit, EXPECTED.runs[1]))

    def found(point: Any) -> list[Difference]:
        return compare(
            expected, _fit(history={0: {"card/0/x": _CARD, "tasks/score": point}})
        ).findings.differences

    assert found(math.nan) == found("NaN") == []
    assert found(1.0)


def test_tags_may_have_changed_in_metaflow() -> None:
    """The cause does not blame an edit in W&B alone."""
    fit = replace(EXPECTED.runs[0], facts={"tags": ExpectedValue((["late"],))})
    expected = replace(EXPECTED, runs=(fit, EXPECTED.runs[1]))
    config = {**FIT.config, "metaflow": {**FIT.config["metaflow"], "tags": []}}

    [difference] = compare(expected, _fit(config=config)).findings.differences

    assert difference.item == "F/1/fit config.metaflow.tags"
    assert "changed in Metaflow after the sync" in difference.cause


def _fit(**fields: Any) -> RecordedFlowRun:
    return replace(RECORDED, runs=(replace(FIT, **fields), END))


def _end(**fields: Any) -> RecordedFlowRun:
    return replace(RECORDED, runs=(FIT, replace(END, **fields)))


def _summary(**values: Any) -> RecordedFlowRun:
    return _fit(summary={**FIT.summary, **values})


def _version(**fields: Any) -> RecordedFlowRun:
    changed = replace(MODEL, **fields)
    return RecordedFlowRun(
        "F/1",
        (replace(FIT, logged=(changed,)), replace(END, used=(changed,))),
        {key: [changed] for key in ALIASED},
    )


_OTHER = replace(MODEL, key="m1", version="v1", aliases=frozenset({"run-0"}), producer=None)

DAMAGES: dict[str, tuple[str, str, RecordedFlowRun]] = {
    "a run is gone": ("run", "F/1/end", replace(RECORDED, runs=(FIT,))),
    "a run twice": ("run", "twice", replace(RECORDED, runs=(FIT, END, replace(END, id="b")))),
    "a strange run": (
        "run",
        "live",
        replace(RECORDED, runs=(FIT, END, replace(END, id="b", name="live", config={}))),
    ),
    "another name": ("name", "F/1/end", _end(name="renamed")),
    "another job type": ("job_type", "job_type", _end(job_type="renamed")),
    "another state": ("state", "state", _end(state="crashed")),
    "a tag is gone": ("tags", "tags", _end(tags=frozenset())),
    "another start": ("time", "started at", _end(started_at=1.5)),
    "another runtime": ("time", "runtime", _end(runtime=9.0)),
    "config changed": ("config", "config.rate", _end(config={**END.config, "rate": 1})),
    "a fact changed": (
        "config",
        "config.metaflow.user",
        _end(config={**END.config, "metaflow": {"user": "you", "pathspec": "F/1/end"}}),
    ),
    "a value changed": ("summary", "score", _summary(score={"min": 1, "max": 4, "mean": 2})),
    "an allowed value changed": ("summary", "maybe", _summary(maybe=2)),
    "a strange value": ("summary", "summary.other", _summary(other=2)),
    "a point changed": (
        "history",
        "tasks/score",
        _fit(history={**FIT.history, 1: {"tasks/score": 4}}),
    ),
    "a row is gone": ("history", "tasks/score", _fit(history={0: {"tasks/score": 1}})),
    "a strange row": ("history", "row 7", _fit(history={**FIT.history, 7: {"tasks/score": 1}})),
    "a row twice": ("history", "twice", _fit(repeated_steps=(1,))),
    "a line is gone": ("log", "1 lines", _fit(log=("two",))),
    "a strange line": ("log", "does not have", _fit(log=(f"{_CLOCK}one", "two", "three"))),
    "a card is gone": ("panel", "card/0/x", _summary(**{"card/0/x": None})),
    "the file of a card is gone": ("panel", "its file", _fit(files={"t": FIT.files["t"]})),
    "rows of the table": (
        "panel",
        "rows",
        _summary(tasks={"_type": "table-file", "path": "t", "nrows": 1}),
    ),
    "no artifact": ("artifact", "model", _fit(logged=())),
    "another type": ("artifact", "its type", _version(type="other")),
    "a file is gone": (
        "file",
        "files of F/1/fit/1",
        _version(files={"0/model.pkl": MODEL.files["0/model.pkl"]}),
    ),
    "a strange file": (
        "file",
        "file x",
        _version(files={**MODEL.files, "x": RecordedFile("x", 1, None)}),
    ),
    "another content": (
        "file",
        "0/model.pkl",
        _version(files={**MODEL.files, "0/model.pkl": RecordedFile("", 3, "md5-1")}),
    ),
    "another size": (
        "file",
        "0/model.pkl",
        _version(files={**MODEL.files, "0/model.pkl": RecordedFile("", 4, None)}),
    ),
    "an edge is gone": ("edge", "uses model", _end(used=())),
    "a strange edge": ("edge", "model:v1", _end(used=(MODEL, _OTHER))),
    "the other direction": (
        "edge",
        "F/1/end logged",
        _version(producer="id-end"),
    ),
    "no alias": ("alias", "model:run-1", replace(RECORDED, aliased={("model", "latest"): [MODEL]})),
    "an alias twice": (
        "alias",
        "model:run-1",
        replace(RECORDED, aliased={**ALIASED, ("model", "run-1"): [MODEL, _OTHER]}),
    ),
    "an alias was moved": (
        "alias",
        "model:latest",
        replace(RECORDED, aliased={**ALIASED, ("model", "latest"): [_OTHER]}),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(name: str) -> None:
    """Its kind and its item are named, and it is the only difference, or the first."""
    kind, item, recorded = DAMAGES[name]

    result = _differences(recorded)

    assert [entry.kind for entry in result][:1] == [kind]
    assert item in result[0].item
    assert result[0].cause


def test_a_newer_flow_run_may_have_latest() -> None:
    """Its alias says that it began later."""
    newer = replace(_OTHER, aliases=frozenset({"latest", "run-2"}))

    assert _differences(replace(RECORDED, aliased={**ALIASED, ("model", "latest"): [newer]})) == []


def test_an_older_mfwb_is_named() -> None:
    """What it did not write yet may be missing for that reason."""
    config = {"metaflow": FIT.config["metaflow"], "mfwb": {"version": "0.0.1"}}

    [difference] = _differences(_fit(config=config))

    assert difference.item == "F/1/fit config.rate"
    assert difference.cause.startswith("written by mfwb 0.0.1")


def test_a_start_that_w_and_b_does_not_name() -> None:
    """It is not known, and no difference: the summary has it, too."""
    result = compare(EXPECTED, _end(started_at=None)).findings

    assert result.differences == []
    assert [item for item, _ in result.unknown] == ["started at, of 1 W&B runs"]
