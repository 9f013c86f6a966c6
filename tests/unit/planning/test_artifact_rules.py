"""Which artifacts get rules, and which values decide about them."""

from __future__ import annotations

from typing import Any

from mfwb.planning import ArtifactRule, Content, PlannedRun, PlannedValue
from mfwb.snapshot import FlowRun
from tests.support.flow_runs import (
    at,
    data_frame,
    flow_run,
    model,
    parameter,
    ref,
    sha,
    spec,
    task,
)
from tests.unit.planning.plans import runs_of

_RULES = {
    "aliases": ["good"],
    "when": "accuracy > 0.9 and rate < 1",
    "metadata": ["rate", "report.f1", "wines"],
    "link": "wandb-registry-model/wines",
}
_LINE = flow_run(
    task("start/1", to="train", has=[ref("report", "r", "str"), data_frame("wines", "w")]),
    task(
        "train/2",
        to="end",
        has=[
            ref("report", "r", "str"),
            ref("accuracy", "a", "float"),
            model("model", "m"),
            data_frame("wines", "w"),
        ],
    ),
    task("end/3", has=[model("model", "m")]),
    parameters=(parameter("rate", 0.1), parameter("file", {"name": "f"}, "IncludeFile")),
)


def _runs(run: FlowRun, pattern: str = "model", **settings: Any) -> dict[str, PlannedRun]:
    rules = {run.flow: {"artifact": {pattern: _RULES}}}
    return runs_of(run, flow=rules, **settings)


def test_a_rule_has_the_values_that_it_names() -> None:
    """Those that the task holds, also if an earlier step wrote them; and parameters."""
    runs = _runs(_LINE)
    train = spec("train/2")
    assert runs["train"].artifact_rules == (
        ArtifactRule(
            artifact="model",
            type="model",
            aliases=("good",),
            link="wandb-registry-model/wines",
            when="accuracy > 0.9 and rate < 1",
            metadata=("rate", "report.f1", "wines"),
            tasks=((train,),),
            values=(
                PlannedValue("accuracy", (Content(train, "accuracy", sha("a"), 5),)),
                PlannedValue("report", (Content(train, "report", sha("r"), 5),)),
            ),
            parameters={"rate": 0.1},
        ),
    )
    assert runs["start"].artifact_rules == runs["end"].artifact_rules == ()


def test_aliases_are_for_the_final_version_and_metadata_is_for_all() -> None:
    """Of siblings of a foreach, one has the alias of the flow run."""
    work = [
        task(
            f"work/{number + 2}",
            to="join",
            has=[model("model", f"m{number}"), ref("accuracy", f"a{number}", "float")],
            foreach=at(f"start:items:{number}"),
        )
        for number in range(2)
    ]
    run = flow_run(
        task("start/1", to="work", over="items", has=[ref("items", "i", "list")]),
        *work,
        task("join/4", to="end"),
        task("end/5"),
        parameters=(parameter("rate", 0.1),),
    )
    rules = {
        name: run.artifact_rules[0]
        for name, run in _runs(run, granularity="task").items()
        if run.artifact_rules
    }
    assert {name: (rule.aliases, rule.link, rule.when) for name, rule in rules.items()} == {
        "work/2": ((), None, None),
        "work/3": (("good",), "wandb-registry-model/wines", "accuracy > 0.9 and rate < 1"),
    }
    [rule] = _runs(run)["work"].artifact_rules
    assert rule.tasks == ((spec("work/2"),), (spec("work/3"),))
    [accuracy] = rule.values
    assert [content.sha1 for content in accuracy.contents] == [sha("a0"), sha("a1")]


def test_the_most_specific_pattern_counts() -> None:
    """A name itself is the most specific one."""
    rules = {
        "*": {"aliases": ["any"]},
        "mod*": {"aliases": ["model-like"]},
        "model": {"metadata": ["rate"]},
        "w*": {"aliases": ["with-w"]},
    }
    runs = runs_of(_LINE, flow={_LINE.flow: {"artifact": rules}})
    [of_model] = runs["train"].artifact_rules
    [of_wines] = runs["start"].artifact_rules
    assert (of_model.aliases, of_model.metadata) == ((), ("rate",))
    assert of_wines.aliases == ("with-w",)


def test_rules_change_only_the_digest_of_what_is_changed_in_place() -> None:
    """No W&B run is opened again because of them; without rules, the digest is as ever."""
    plain, with_rules = runs_of(_LINE), _runs(_LINE)
    contents, texts = zip(
        *(run.fingerprint.split(".") for run in (plain["train"], with_rules["train"])), strict=True
    )
    assert contents[0] == contents[1]
    assert texts[0] != texts[1]
    assert plain["start"].fingerprint == with_rules["start"].fingerprint


def test_what_a_join_picked_has_the_values_of_the_task_that_made_it() -> None:
    """And, for names that this task does not have, those of the join."""
    work = [
        task(
            f"work/{number + 2}",
            to="join",
            has=[model("model", f"m{number}"), ref("accuracy", f"a{number}", "float")],
            foreach=at(f"start:items:{number}"),
        )
        for number in range(2)
    ]
    run = flow_run(
        task("start/1", to="work", over="items", has=[ref("items", "i", "list")]),
        *work,
        task("join/4", to="end", has=[model("model", "m0"), ref("report", "r", "str")]),
        task("end/5", has=[model("model", "m0")]),
        parameters=(parameter("rate", 0.1),),
    )
    [rule] = _runs(run)["join"].artifact_rules
    assert rule.tasks == ((spec("work/2"), spec("join/4")),)
    assert [content.pathspec for value in rule.values for content in value.contents] == [
        spec("work/2/accuracy"),
        spec("join/4/report"),
    ]
