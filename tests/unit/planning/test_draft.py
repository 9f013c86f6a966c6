"""The plan for one flow run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.config import Settings
from mfwb.destination import entity_and_project, read_defaults
from mfwb.lineage import rebuild_lineage
from mfwb.planning import (
    Content,
    Form,
    InputArtifact,
    OutputArtifact,
    PlannedFile,
    PlannedRun,
    PlannedValue,
    Preview,
    TaskRow,
    draft_plan,
)
from mfwb.snapshot import ArtifactRef, Card, Failure, FlowRun, Loss, TaskState
from mfwb.snapshot.storable import with_storable_text
from tests.support.examples import examples
from tests.support.flow_runs import (
    at,
    data_frame,
    flow_run,
    model,
    parameter,
    ref,
    renamed,
    sha,
    short,
    shuffled,
    spec,
    task,
    tried,
)
from tests.support.strangers import anything, assert_inert
from tests.unit.lineage.sources import with_source
from tests.unit.planning.labels import assert_key, assert_label
from tests.unit.planning.plans import plan_of, runs_of
from tests.unit.random_flows import Block, act_out, flows

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


def fan(*models: ArtifactRef) -> FlowRun:
    """Return a foreach of which each task made a model, joined by a step that made a frame."""
    work = [
        task(f"work/{location + 2}", to="join", has=[model], foreach=at(f"work:items:{location}"))
        for location, model in enumerate(models)
    ]
    return flow_run(
        task("start/1", to="work", over="items", has=[data_frame("wines", "w")]),
        *work,
        task("join/8", to="end", has=[data_frame("scores", "s")]),
        task("end/9", has=[data_frame("scores", "s")]),
    )


FAN = fan(model("model", "m0"), model("model", "m1"))


def test_one_wandb_run_per_step() -> None:
    """Each step becomes a W&B run that is named after it, in the group of its flow run."""
    plan = plan_of(FAN)

    assert [run.name for run in plan.runs] == [
        "DemoFlow/7/start",
        "DemoFlow/7/work",
        "DemoFlow/7/join",
        "DemoFlow/7/end",
    ]
    assert [run.job_type for run in plan.runs] == ["start", "work", "join", "end"]
    assert [run.level for run in plan.runs] == [0, 1, 2, 3]
    assert (plan.flow_run, plan.group) == ("DemoFlow/7", "DemoFlow/7")
    assert (plan.entity, plan.project) == ("acme", "wines")


def test_one_wandb_run_per_task() -> None:
    """At granularity `task` each task becomes a W&B run of its own."""
    runs = runs_of(FAN, granularity="task")

    assert sorted(runs) == ["end/9", "join/8", "start/1", "work/2", "work/3"]
    assert runs["work/3"].job_type == "work"
    assert not any(run.merged for run in runs.values())
    assert [row.pathspec for row in runs["work/3"].tasks] == [spec("work/3")]


def test_granularity_of_one_flow() -> None:
    """The granularity may be that of a flow's own table."""
    assert len(plan_of(FAN, flow={"DemoFlow": {"granularity": "task"}}).runs) == 5
    assert len(plan_of(FAN, flow={"OtherFlow": {"granularity": "task"}}).runs) == 4


def test_ids() -> None:
    """Ids are the same on every machine for ever: syncing again finds what is there."""
    assert [run.id for run in plan_of(FAN).runs] == [
        "DemoFlow-7-start-514ce8719f54",
        "DemoFlow-7-work-09467636cb12",
        "DemoFlow-7-join-3a167dab50c2",
        "DemoFlow-7-end-351ec6ec4d04",
    ]


@settings(max_examples=examples(50))
@given(WORDS, WORDS, st.sampled_from(["step", "task"]))
def test_ids_and_names_are_acceptable(flow: str, run_id: str, granularity: str) -> None:
    """Whatever a flow run is called, ids and names are distinct and as W&B wants them."""
    flow, run_id = flow.replace("/", "-"), run_id.replace("/", "-")
    tasks = (task("start/1", to="end"), task("end/2"))
    run = renamed(flow_run(*tasks), flow, run_id)
    plan = plan_of(run, granularity=granularity)

    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", run.id) for run in plan.runs)
    assert all(len(run.name) <= 128 and len(run.job_type) <= 64 for run in plan.runs)
    assert len(plan.group) <= 128
    assert len({run.id for run in plan.runs}) == len({run.name for run in plan.runs}) == 2


def test_long_names() -> None:
    """Names, groups and job types that W&B would refuse are cut, and still told apart."""
    flow, step = "F" * 120, "s" * 70
    run = flow_run(task("start/1", to=f"{step}a {step}b"), task(f"{step}a/2"), task(f"{step}b/3"))
    plan = plan_of(renamed(run, flow, "1795226515084300"))

    assert [len(run.name) for run in plan.runs] == [128, 128, 128]
    assert [len(run.job_type) for run in plan.runs] == [5, 64, 64]
    assert [len(run.id) for run in plan.runs] == [64, 64, 64]
    assert len(plan.group) == 128
    assert len({run.name for run in plan.runs}) == len({run.id for run in plan.runs}) == 3
    assert plan.runs[1].job_type != plan.runs[2].job_type


def test_default_project() -> None:
    """Without a project, the flow's name is one."""
    settings = Settings.model_validate({})
    entity, project = entity_and_project("DemoFlow", settings, read_defaults({}))

    plan = draft_plan(FAN, rebuild_lineage(FAN), settings, entity=entity, project=project)

    assert (plan.entity, plan.project) == (None, "DemoFlow")


def test_names_from_settings() -> None:
    """Group, job type and tags can be set, by flow and by step."""
    plan = plan_of(
        FAN,
        settings={"run_group": "wines", "run_tags": ["all"]},
        flow={"DemoFlow": {"step": {"work": {"settings": {"run_job_type": "training"}}}}},
    )

    assert plan.group == "wines"
    assert [run.job_type for run in plan.runs] == ["start", "training", "join", "end"]
    assert [run.tags for run in plan.runs] == [("all",)] * 4


def test_wandb_settings() -> None:
    """Fields of wandb.Settings reach the W&B run, but for those the plan itself answers."""
    runs = runs_of(
        FAN,
        settings={"entity": "acme", "project": "wines", "run_group": "g", "run_notes": "hello"},
        flow={"DemoFlow": {"step": {"work": {"settings": {"run_notes": "hard work"}}}}},
    )

    assert runs["start"].wandb_settings == runs["work"].wandb_settings == {}
    assert runs["start"].notes.startswith("hello\n\n")
    assert runs["work"].notes.startswith("hard work\n\n")


def test_tags() -> None:
    """User tags are tags, sorted and not longer than W&B allows; system tags are not."""
    run = replace(FAN, tags=("b", "a", "x" * 65), system_tags=("user:ada",))
    tags = runs_of(run)["start"].tags

    assert tags[:2] == ("a", "b")
    assert [len(tag) for tag in tags] == [1, 1, 64]


def test_config() -> None:
    """Parameters are on top, constants are not, and what Metaflow knows is below `metaflow`."""
    run = flow_run(
        task("start/1", attempts=(tried(1_000, 3_000),), metadata={"user": "ada"}),
        parameters=(
            parameter("alpha", 0.5),
            parameter("cfg", {"deep": [1]}, "Config"),
            parameter("metaflow", "x"),
            parameter("LIMIT", 3, "constant"),
        ),
    )
    config = runs_of(run)["start"].config

    assert {name: value for name, value in config.items() if name != "metaflow"} == {
        "alpha": 0.5,
        "cfg": {"deep": [1]},
        "metaflow_": "x",
    }
    assert config["metaflow"] == {
        "flow": "DemoFlow",
        "run_id": "7",
        "flow_run": "DemoFlow/7",
        "pathspec": "DemoFlow/7/start",
        "state": "finished",
        "user": "ada",
        "provider": "local@/data",
        "created_at": "2023-11-14T22:13:20.000Z",
        "finished_at": "2023-11-14T22:14:20.000Z",
        "constants": {"LIMIT": 3},
        "step": "start",
        "tasks": ["DemoFlow/7/start/1"],
        "started_at": "1970-01-01T00:00:01.000Z",
        "ended_at": "1970-01-01T00:00:03.000Z",
    }


def test_source_distinguishes_flow_runs_of_one_name() -> None:
    """The plan says where a flow run comes from, and when it started."""
    local = replace(renamed(FAN, "DemoFlow", "1795226515084300"), started_at=1_795_226_515_084)
    service = replace(FAN, provider="service@https://meta")

    assert plan_of(service).source.to_dict() == {
        "flow_run": "DemoFlow/7",
        "provider": "service@https://meta",
        "created_at": 1_700_000_000_000,
    }
    assert plan_of(local).source.to_dict() == {
        "flow_run": "DemoFlow/1795226515084300",
        "provider": "local@/data",
        "created_at": 1_795_226_515_084,
    }


# --- outputs --------------------------------------------------------------------------------


def test_aliases_are_of_the_last_who_logs_a_name() -> None:
    """Siblings come to W&B in any order, and yet `latest` is always the same one's."""
    runs = runs_of(FAN, granularity="task")
    models = {name: runs[name].outputs[0] for name in ("work/2", "work/3")}

    assert [model.name for model in models.values()] == ["model", "model"]
    assert [model.aliases for model in models.values()] == [(), ("latest", "run-7")]
    assert runs["start/1"].outputs[0].aliases == ("latest", "run-7")


def test_output() -> None:
    """An artifact that a step wrote becomes one of W&B's, marked with where it comes from."""
    assert runs_of(FAN)["start"].outputs == (
        OutputArtifact(
            name="wines",
            type="dataset",
            aliases=("latest", "run-7"),
            metadata={
                "metaflow": {
                    "flow_run": "DemoFlow/7",
                    "step": "start",
                    "artifact": "wines",
                    "python_type": "pandas.core.frame.DataFrame",
                    "encoding": "pickle-v4",
                    "size": 1000,
                    "pathspec": "DemoFlow/7/start/1/wines",
                    "task": "DemoFlow/7/start/1",
                    "sha1": sha("w"),
                }
            },
            files=(
                PlannedFile(
                    "wines",
                    Form.PARQUET,
                    Content(spec("start/1"), "wines", sha("w"), 1000),
                    Preview.TABLE,
                ),
            ),
        ),
    )


def test_merged_output() -> None:
    """Tasks of a foreach share one artifact per name, with a folder for each position."""
    work = runs_of(FAN)["work"]

    assert work.merged
    assert [artifact.name for artifact in work.outputs] == ["model"]
    assert work.outputs[0].type == "model"
    assert work.outputs[0].metadata == {
        "metaflow": {
            "flow_run": "DemoFlow/7",
            "step": "work",
            "artifact": "model",
            "python_type": "sklearn.linear_model._logistic.LogisticRegression",
            "encoding": "pickle-v4",
            "size": 2000,
            "tasks": 2,
        }
    }
    assert work.outputs[0].files == (
        PlannedFile("0/model", Form.PICKLE, Content(spec("work/2"), "model", sha("m0"), 1000)),
        PlannedFile("1/model", Form.PICKLE, Content(spec("work/3"), "model", sha("m1"), 1000)),
    )


def test_facts_that_differ() -> None:
    """The attempt that wrote it is said; of tasks that differ, each word that there is."""
    tried_again = replace(model("x"), encoding="gzip+pickle-v2")
    [mixed] = runs_of(fan(model("x"), tried_again))["work"].outputs
    [single] = runs_of(flow_run(task("start/1", has=[model("x")], attempts=(tried(number=2),))))[
        "start"
    ].outputs

    assert mixed.metadata["metaflow"]["encoding"] == ["gzip+pickle-v2", "pickle-v4"]
    assert single.metadata["metaflow"]["attempt"] == 2


def test_one_preview_per_artifact() -> None:
    """Of the files of a foreach's tasks only the first is shown in the W&B run."""
    work = runs_of(fan(data_frame("x", "1"), data_frame("x", "2"), data_frame("x", "3")))["work"]

    assert [file.preview for file in work.outputs[0].files] == [Preview.TABLE, None, None]


def test_previews_of_tasks() -> None:
    """At granularity `task`, each task shows its own."""
    runs = runs_of(fan(data_frame("x", "1"), data_frame("x", "2")), granularity="task")

    assert [runs[name].outputs[0].files[0].preview for name in ("work/2", "work/3")] == [
        Preview.TABLE,
        Preview.TABLE,
    ]


def test_how_far_pickles_are_loaded() -> None:
    """Forms and previews heed what the settings say of loading."""
    run = flow_run(task("start/1", has=[data_frame("big", size=1000), data_frame("small", size=9)]))

    def files(**settings: Any) -> dict[str, tuple[Form, Preview | None]]:
        outputs = runs_of(run, **settings)["start"].outputs
        return {
            artifact.name: (artifact.files[0].form, artifact.files[0].preview)
            for artifact in outputs
        }

    table, pickle = (Form.PARQUET, Preview.TABLE), (Form.PICKLE, None)
    assert files() == {"big": table, "small": table}
    assert files(max_memory="1KB") == {"big": pickle, "small": table}
    assert files(unpickle="never") == {"big": pickle, "small": pickle}


def test_large_value() -> None:
    """A value that is too large for the summary is an artifact, as JSON."""
    has = [ref("large", type_="list", size=100_001, names=()), ref("small", type_="str")]
    start = runs_of(flow_run(task("start/1", has=has)))["start"]

    assert [(artifact.name, artifact.type) for artifact in start.outputs] == [("large", "other")]
    assert [file.form for file in start.outputs[0].files] == [Form.JSON]
    assert [value.key for value in start.values] == ["small"]


def test_kinds_of_the_user() -> None:
    """What the settings say of a type decides of which type the W&B artifact is."""
    run = flow_run(task("start/1", has=[ref("net", type_="__main__.Net", names=("__main__.Net",))]))
    kinds = {"__main__.Net": "model"}

    assert [artifact.type for artifact in runs_of(run)["start"].outputs] == ["other"]
    assert [artifact.type for artifact in runs_of(run, kinds=kinds)["start"].outputs] == ["model"]
    assert runs_of(run, kinds=kinds, models=False)["start"].outputs == ()


def test_nested_folders() -> None:
    """In a nested foreach the folders are nested, too."""
    work = [
        task(f"work/{9 - inner}", has=[model("m", str(inner))],
             foreach=at("mid:outer:0", f"work:inner:{inner}"))
        for inner in (0, 1)
    ]  # fmt: skip
    run = flow_run(
        task("start/1", to="mid", over="outer"),
        task("mid/2", to="work", over="inner", foreach=at("mid:outer:0")),
        *work,
    )
    planned = runs_of(run)["work"]

    assert [file.stem for file in planned.outputs[0].files] == ["0/0/m", "0/1/m"]
    assert [(row.label, row.row) for row in planned.tasks] == [("0/0", 0), ("0/1", 1)]


def test_rounds_of_recursion() -> None:
    """Rounds of a recursive step share a W&B run as siblings do."""
    run = flow_run(
        task("start/1", to="loop"),
        task("loop/2", to="loop", rounds=(0,), has=[model("m", "0")]),
        task("loop/3", to="end", rounds=(1,), has=[model("m", "1")]),
        task("end/4", has=[model("m", "1")]),
    )
    runs = runs_of(run)

    assert [file.stem for file in runs["loop"].outputs[0].files] == ["0/m", "1/m"]
    assert [(row.label, row.row) for row in runs["loop"].tasks] == [("0", 0), ("1", 1)]
    assert runs["loop"].inputs == ()
    assert [used.name for used in runs["end"].inputs] == ["m"]


def test_foreach_over_one_item() -> None:
    """A foreach of a single item looks like any other: its folder is there."""
    work = runs_of(fan(model("model", "m0")))["work"]

    assert work.merged
    assert [file.stem for file in work.outputs[0].files] == ["0/model"]


def test_rows() -> None:
    """Each task is a row, at its position in the foreach, with its state and duration."""
    run = flow_run(
        task("start/1", to="work", over="items"),
        task("work/2", foreach=at("work:items:1"), attempts=(tried(1_000, 3_500),)),
        task(
            "work/3",
            foreach=at("work:items:3"),
            state=TaskState.FAILED,
            failure=Failure("ValueError", "no"),
        ),
    )

    assert runs_of(run)["work"].tasks == (
        TaskRow(spec("work/2"), 1, "1", "ok", 2.5, foreach={"foreach.index": 1}),
        TaskRow(spec("work/3"), 3, "3", "failed", None, "ValueError: no", {"foreach.index": 3}),
    )


def test_values() -> None:
    """Plain values go to the summary, by key, one per task that has it."""
    work = [
        task(f"work/{location + 2}", has=f"score=s{location} tasks=t{location}",
             foreach=at(f"work:items:{location}"))
        for location in (0, 1)
    ]  # fmt: skip
    run = flow_run(task("start/1", to="work", over="items"), *work)

    assert runs_of(run)["work"].values == (
        PlannedValue(
            "score",
            (
                Content(spec("work/2"), "score", sha("s0"), 5),
                Content(spec("work/3"), "score", sha("s1"), 5),
            ),
        ),
        PlannedValue(
            "tasks_",
            (
                Content(spec("work/2"), "tasks", sha("t0"), 5),
                Content(spec("work/3"), "tasks", sha("t1"), 5),
            ),
        ),
    )


def test_what_is_passed_on() -> None:
    """What a step merely had in hand is neither written again nor forgotten."""
    end = runs_of(FAN)["end"]

    assert (end.outputs, end.values, end.passed_on) == ((), (), ("scores",))
    assert runs_of(FAN)["start"].passed_on == ()


def test_what_only_some_siblings_pass_on() -> None:
    """What one sibling changed and another passed on was written by their step."""
    run = flow_run(
        task("start/1", to="work", over="items", has=[model("m", "old")]),
        task("work/2", has=[model("m", "new")], foreach=at("work:items:0")),
        task("work/3", has=[model("m", "old")], foreach=at("work:items:1")),
    )
    work = runs_of(run)["work"]

    assert [file.stem for file in work.outputs[0].files] == ["0/m"]
    assert work.passed_on == ()


def test_values_that_came_out_equal() -> None:
    """Values are those of all tasks that assigned them; what the source adds is no new plan."""
    run = with_source(
        """
        @step
        def start(self):
            self.failures = 0
            self.next(self.work, foreach="items")
        @step
        def work(self):
            self.failures = count(self.input)
            self.next(self.join)
        @step
        def join(self, inputs):
            self.failures = max(i.failures for i in inputs)
            self.best = max(i.best for i in inputs)
        """,
        task("start/1", to="work", over="items", has="failures=0 best=7"),
        task("work/2", to="join", has="failures=0 best=7", foreach=at("work:items:0")),
        task("work/3", to="join", has="failures=9 best=7", foreach=at("work:items:1")),
        task("join/4", has="failures=9 best=7"),
    )
    known, unknown = runs_of(run), runs_of(replace(run, code=None))

    assert _values(known["work"]) == {"failures": ["work/2 0", "work/3 9"]}
    assert _values(known["join"]) == {"best": ["join/4 7"], "failures": ["join/4 9"]}
    assert (known["work"].passed_on, known["join"].passed_on) == (("best",), ())
    assert _values(unknown["work"]) == {"failures": ["work/2 0", "work/3 9"]}
    assert _values(unknown["join"]) == {"failures": ["join/4 9"]}  # `best` may have been merged
    assert unknown["join"].passed_on == ("best",)
    assert plan_of(run).digest == plan_of(replace(run, code=None)).digest


def _values(run: PlannedRun) -> dict[str, list[str]]:
    return {
        value.key: [
            f"{content.task.removeprefix('DemoFlow/7/')} {short(content.sha1)}"
            for content in value.contents
        ]
        for value in run.values
    }


def test_a_value_here_and_more_there() -> None:
    """What a task has that is no value stands beside the values of the others, in short."""
    caught = ref("x", "e", "metaflow.exception.MetaflowExceptionWrapper")
    run = flow_run(
        task("start/1", to="work", over="items"),
        task("work/2", has=[ref("x", "n", "NoneType")], foreach=at("work:items:0")),
        task(
            "work/3",
            has=[caught],
            foreach=at("work:items:1"),
            state=TaskState.CAUGHT,
            failure=Failure("builtins.ValueError", "no"),
        ),
        task("work/4", has=[data_frame("x", "d")], foreach=at("work:items:2")),
    )
    [value] = runs_of(run)["work"].values
    alone = runs_of(run, granularity="task")["work/3"]

    assert [content.task for content in value.contents] == [spec("work/2")]
    assert [(other.content.task, other.text) for other in value.elsewhere] == [
        (spec("work/3"), "builtins.ValueError: no"),
        (spec("work/4"), "<pandas.core.frame.DataFrame>"),
    ]
    assert alone.values == ()
    assert [[other.text for other in value.elsewhere] for value in alone.shown] == [
        ["builtins.ValueError: no"]
    ]


def test_siblings_of_different_types() -> None:
    """A name that is a frame here and a model there becomes two artifacts: W&B wants one type."""
    planned = runs_of(fan(data_frame("x", "d"), model("x", "m"), ref("x", "n")))["work"]

    assert [(artifact.name, artifact.type) for artifact in planned.outputs] == [
        ("x", "dataset"),
        ("x-model", "model"),
    ]
    assert [file.stem for artifact in planned.outputs for file in artifact.files] == ["0/x", "1/x"]
    assert [value.key for value in planned.values] == ["x"]


def test_steps_that_disagree_on_a_type() -> None:
    """The same holds for two steps of a flow run: each name has one type."""
    run = flow_run(
        task("start/1", to="end", has=[data_frame("x", "d")]),
        task("end/2", has=[model("x", "m")]),
    )
    runs = runs_of(run)

    assert [(artifact.name, artifact.type) for artifact in runs["start"].outputs] == [
        ("x", "dataset")
    ]
    assert [(artifact.name, artifact.type) for artifact in runs["end"].outputs] == [
        ("x-model", "model")
    ]


def test_name_that_is_taken_by_a_disambiguated_one() -> None:
    """Names made up for another type do not collide either."""
    run = flow_run(
        task("start/1", has=[data_frame("größe", "1"), model("gr__e", "2")]),
    )
    result = [artifact.name for artifact in runs_of(run)["start"].outputs]

    assert len(set(result)) == 2


@pytest.mark.parametrize(
    ("chosen", "off"),
    [
        ({"datasets": False}, ["d"]),
        ({"models": False}, ["m"]),
        ({"others": False}, ["o"]),
        ({"datasets": False, "models": False, "others": False}, ["d", "m", "o"]),
        ({"flow": {"DemoFlow": {"models": False}}}, ["m"]),
        ({"flow": {"DemoFlow": {"step": {"start": {"models": False}}}}}, ["m"]),
        ({"flow": {"DemoFlow": {"step": {"end": {"models": False}}}}}, []),
        ({"models": False, "flow": {"DemoFlow": {"models": True}}}, []),
    ],
)
def test_switches(chosen: dict[str, Any], off: list[str]) -> None:
    """What is switched off, by kind, flow or step, is neither planned nor forgotten."""
    has = [data_frame("d"), model("m"), ref("o", type_="numpy.ndarray"), ref("v")]
    start = runs_of(flow_run(task("start/1", has=has)), **chosen)["start"]

    assert [content.name for content in start.switched_off] == off
    assert [artifact.name for artifact in start.outputs] == [
        x for x in ["d", "m", "o"] if x not in off
    ]
    assert [value.key for value in start.values] == ["v"]
    assert start.losses == ()


def test_artifact_that_is_too_large() -> None:
    """What is larger than the user wants is lost, and said so; values are always kept."""
    has = [data_frame("big", size=1_000_001), data_frame("fits", size=1_000_000), ref("v", size=9)]
    start = runs_of(flow_run(task("start/1", has=has)), max_artifact_size="1MB")["start"]

    assert start.losses == (
        Loss(
            "DemoFlow/7/start/1/big",
            "1,000,001 bytes, more than the 1,000,000 that max_artifact_size allows for datasets",
        ),
    )
    assert [artifact.name for artifact in start.outputs] == ["fits"]


def test_limits_by_type() -> None:
    """Each type of W&B artifact has its own limit, and a loss says which one it was."""
    has = [data_frame("d", size=60), model("m", size=60), ref("o", type_="bytes", size=60)]
    limits = {"dataset": "1KB", "model": 50}
    start = runs_of(flow_run(task("start/1", has=has)), max_artifact_size=limits)["start"]

    assert [artifact.name for artifact in start.outputs] == ["d", "o"]
    assert [loss.reason for loss in start.losses] == [
        "60 bytes, more than the 50 that max_artifact_size allows for models"
    ]


def test_included_file() -> None:
    """The first step logs an IncludeFile as a dataset; later ones use it as a parameter."""
    included = parameter(
        "words", {"name": "words", "size": 10, "sha1": "abc"}, "IncludeFile",
        type_="metaflow.includefile.IncludedFile", size=300,
    )  # fmt: skip
    run = flow_run(task("start/1", to="end"), task("end/2"), parameters=(included,))
    runs = runs_of(run)
    [texts] = runs["start"].outputs

    assert (texts.name, texts.type) == ("words", "dataset")
    assert texts.files == (
        PlannedFile(
            "words", Form.INCLUDE, Content("DemoFlow/7/_parameters", "words", sha("p-words"), 10)
        ),
    )
    assert runs["start"].inputs == ()
    assert runs["end"].outputs == ()
    assert runs["end"].inputs == (
        InputArtifact("words", "dataset", runs["start"].id, "DemoFlow/7/start", "parameter"),
    )
    assert runs["end"].config["words"] == {"name": "words", "size": 10, "sha1": "abc"}


def test_included_file_that_is_too_large() -> None:
    """The size that counts is that of the file, not of what Metaflow noted about it."""
    included = parameter(
        "words",
        {"name": "words", "size": 5_000_000, "sha1": "abc"},
        "IncludeFile",
        type_="metaflow.includefile.IncludedFile",
        size=300,
    )
    run = flow_run(task("start/1"), parameters=(included,))
    start = runs_of(run, max_artifact_size="1MB")["start"]

    assert start.outputs == ()
    assert start.losses == (
        Loss(
            "DemoFlow/7/_parameters/words",
            "5,000,000 bytes, more than the 1,000,000 that max_artifact_size allows for datasets",
        ),
    )


def test_first_step_by_another_name() -> None:
    """The first step is the one the flow says it is."""
    included = parameter("words", None, "IncludeFile", type_="metaflow.includefile.IncludedFile")
    tasks = (task("begin/1", to="finish"), task("finish/2"))
    run = flow_run(*tasks, parameters=(included,), start_step="begin", end_step="finish")
    runs = runs_of(replace(run, steps=tuple(sorted(run.steps, key=lambda item: item.name))))

    assert [artifact.name for artifact in runs["begin"].outputs] == ["words"]


# --- inputs ---------------------------------------------------------------------------------


def test_inputs_are_pinned_to_their_producer() -> None:
    """An input names the W&B run that logged it, however many steps lie between."""
    runs = runs_of(
        flow_run(
            task("start/1", to="mid", has=[data_frame("wines", "w"), ref("v")]),
            task("mid/2", to="end", has=[data_frame("wines", "w"), ref("v")]),
            task("end/3"),
        )
    )

    for step in ("mid", "end"):
        assert runs[step].inputs == (
            InputArtifact("wines", "dataset", runs["start"].id, "DemoFlow/7/start", "available"),
        )


def test_join_uses_one_merged_artifact() -> None:
    """A join at granularity `step` uses the siblings' common artifact once."""
    runs = runs_of(FAN)

    assert [(used.name, used.producer) for used in runs["join"].inputs] == [
        ("model", runs["work"].id)
    ]


def test_join_uses_each_tasks_artifact() -> None:
    """A join at granularity `task` uses what each sibling logged."""
    runs = runs_of(FAN, granularity="task")

    assert [(used.name, used.producer) for used in runs["join/8"].inputs] == sorted(
        [("model", runs["work/2"].id), ("model", runs["work/3"].id)]
    )


def test_foreach_input() -> None:
    """The input of a foreach is marked as what it is, in the first step inside."""
    frames = ref("frames", "f", "list", names=("pandas.DataFrame",))
    run = flow_run(
        task("start/1", to="work", over="frames", has=[frames]),
        task("work/2", to="mid", has=[frames], foreach=at("work:frames:0")),
        task("mid/3", has=[frames], foreach=at("work:frames:0")),
    )
    runs = runs_of(run)

    assert [used.ground for used in runs["work"].inputs] == ["foreach-input"]
    assert [used.ground for used in runs["mid"].inputs] == ["available"]


def test_stronger_evidence_is_kept() -> None:
    """Of two grounds on which tasks of a step use the same artifact the more telling is kept."""
    frames = ref("frames", "f", "list", names=("pandas.DataFrame",))
    run = flow_run(
        task("start/1", to="choose", over="sides", has=[frames]),
        task("choose/2", to="first", over="frames", has=[frames], foreach=at("choose:sides:0")),
        task("choose/3", to="work", over="frames", has=[frames], foreach=at("choose:sides:1")),
        task("first/4", to="work", has=[frames], foreach=at("choose:sides:0", "first:frames:0")),
        task("work/5", has=[frames], foreach=at("choose:sides:0", "first:frames:0")),
        task("work/6", has=[frames], foreach=at("choose:sides:1", "work:frames:0")),
    )

    assert [used.ground for used in runs_of(run)["work"].inputs] == ["foreach-input"]


def test_what_was_not_logged_is_not_used() -> None:
    """An artifact that is switched off or too large has no version that could be used."""
    assert runs_of(FAN, datasets=False)["work"].inputs == ()
    assert runs_of(FAN, max_artifact_size=10)["join"].inputs == ()


def test_step_that_some_tasks_skipped() -> None:
    """A step that follows another for some tasks only is still written after it."""
    run = flow_run(
        task("start/1", to="choose", over="items"),
        task("choose/2", to="after", foreach=at("choose:items:0")),
        task("choose/3", to="work", foreach=at("choose:items:1")),
        task("work/4", to="after", has=[data_frame("x")], foreach=at("choose:items:1")),
        task("after/5", to="join", foreach=at("choose:items:0")),
        task("after/6", to="join", has=[data_frame("x")], foreach=at("choose:items:1")),
        task("join/7"),
    )
    runs = runs_of(run)

    assert runs["after"].losses == ()
    assert [used.producer for used in runs["after"].inputs] == [runs["work"].id]
    assert runs["after"].level == runs["work"].level + 1


def test_steps_that_use_artifacts_of_each_other() -> None:
    """Of two merged steps that use each other only one can be written first; it says so."""
    run = flow_run(
        task("start/1", to="choose", over="items"),
        task("choose/2", to="a", foreach=at("choose:items:0")),
        task("choose/3", to="b", foreach=at("choose:items:1")),
        task("a/4", to="b", has=[model("m", "4")], foreach=at("choose:items:0")),
        task("b/5", has=[model("n", "5")], foreach=at("choose:items:0")),
        task("b/6", to="a", has=[model("n", "6")], foreach=at("choose:items:1")),
        task("a/7", has=[model("m", "7")], foreach=at("choose:items:1")),
    )
    runs = runs_of(run)

    assert [used.name for used in runs["a"].inputs] == ["n"]
    assert runs["b"].inputs == ()
    assert runs["b"].losses == (
        Loss(
            "use of m by DemoFlow/7/b",
            "DemoFlow/7/b and DemoFlow/7/a use artifacts of each other",
        ),
    )


@settings(max_examples=examples(40))
@given(flows(), st.sampled_from(["step", "task"]))
def test_any_flow(flow: list[Block], granularity: str) -> None:
    """Whatever the flow: all is planned once, inputs exist, and producers are on lower levels."""
    acted = act_out(flow)
    plan = plan_of(flow_run(*acted.tasks), granularity=granularity)
    levels = {run.id: run.level for run in plan.runs}
    logged = {
        (run.id, artifact.name, artifact.type) for run in plan.runs for artifact in run.outputs
    }
    planned = [
        (content.task, content.name)
        for run in plan.runs
        for content in (
            *(content for value in run.values for content in value.contents),
            *(file.content for artifact in run.outputs for file in artifact.written_files),
        )
    ]

    assert len({(name, kind) for _, name, kind in logged}) == len(
        {artifact[1] for artifact in logged}
    )
    assert len(levels) == len(plan.runs)
    by_level = [run.level for runs in plan.levels() for run in runs]
    assert by_level == sorted(levels.values())
    assert [run.id for run in plan.runs if run.level == 0] == [
        run.id for run in next(plan.levels())
    ]
    made = {
        (task, name)
        for task, producers in acted.producers.items()
        for name, producer in producers.items()
        if producer == task
    }
    changed_by_step = {(task.split("/")[2], name) for task, name in made}
    assert max(Counter(planned).values(), default=1) == 1
    assert made <= set(planned)
    for location, name in set(planned) - made:  # equal, but a sibling's differs, or the inputs did
        step = location.split("/")[2]
        assert (step, name) in changed_by_step or step.endswith("_join")
    for run in plan.runs:
        assert run.losses == ()
        assert len({artifact.name for artifact in run.outputs}) == len(run.outputs)
        for used in run.inputs:
            assert levels[used.producer] < run.level
            assert (used.producer, used.name, used.type) in logged


# --- how it ended ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code"), [("ok", 0), ("caught", 0), ("failed", 1), ("unfinished", 1)]
)
def test_exit_code(state: str, code: int) -> None:
    """A W&B run failed if some task of it did; what @catch caught did not."""
    run = flow_run(
        task("start/1", to="work", over="items"),
        task("work/2", foreach=at("work:items:0")),
        task("work/3", foreach=at("work:items:1"), state=TaskState(state)),
    )

    assert runs_of(run)["work"].exit_code == code
    assert runs_of(run)["start"].exit_code == 0


def test_times() -> None:
    """A step lasts from the start of its first task to the end of its last."""
    run = flow_run(
        task("start/1", to="work", over="items"),
        task("work/2", foreach=at("work:items:0"), attempts=(tried(5_000, 6_000),)),
        task("work/3", foreach=at("work:items:1"), attempts=(tried(4_000, 9_500),)),
    )
    runs = runs_of(run)

    assert (runs["work"].started_at, runs["work"].runtime) == (4_000, 5.5)
    assert (runs["start"].started_at, runs["start"].runtime) == (None, None)
    assert runs["work"].summary["metaflow"]["duration_seconds"] == 5.5


def test_keys_of_cards() -> None:
    """They say which task's card it is, and its id or its type if that is no usual one."""
    item, named, other = Card("default", None, "u1"), Card("a", "mine", "u2"), Card("a", None, "u3")
    run = flow_run(
        task("start/1", to="work", over="items", cards=(item,)),
        task("work/2", foreach=at("work:items:0"), cards=(item,)),
        task("work/3", foreach=at("work:items:1"), cards=(other, named)),
    )
    runs = runs_of(run)

    assert [card.key for card in runs["start"].cards] == ["card"]
    assert [(card.key, card.task, card.card) for card in runs["work"].cards] == [
        ("card/0", spec("work/2"), item),
        ("card/1/mine", spec("work/3"), named),
        ("card/1/a", spec("work/3"), other),
    ]


@pytest.mark.parametrize("order", list(permutations(range(5))), ids=str)
def test_a_card_has_one_key(order: tuple[int, ...]) -> None:
    """Whatever was rendered first, and whichever others were rendered at all."""
    cards = {
        Card("default", None, "u1"): "card",
        Card("blank", None, "u2"): "card/blank-2",
        Card("blank", "details", "u3"): "card/details",
        Card("default", "blank", "u4"): "card/blank",
        Card("default", "more", "u5"): "card/more",
    }
    rendered = [list(cards)[location] for location in order]

    for some in (rendered, rendered[:3]):
        planned = runs_of(flow_run(task("start/1", cards=tuple(some))))["start"].cards
        result = {card.card: card.key for card in planned}
        alone = Card("default", "blank", "u4") not in some  # then its name is free
        assert result == {
            card: "card/blank" if alone and cards[card] == "card/blank-2" else cards[card]
            for card in some
        }


def test_indistinguishable_cards() -> None:
    """Two of one type without an id: in the order in which they were recorded."""
    first, second = Card("blank", None, "u2"), Card("blank", None, "u1")
    planned = runs_of(flow_run(task("start/1", cards=(first, second))))["start"].cards

    assert [(run.key, run.card) for run in planned] == [
        ("card/blank", first),
        ("card/blank-2", second),
    ]


def test_losses_of_the_reading() -> None:
    """What could not even be read is in the plan."""
    lost = (Loss("DemoFlow/7/work/2", "its metadata is gone"),)

    assert plan_of(replace(FAN, losses=lost)).losses == lost


@settings(max_examples=30)
@given(flows(), st.integers(), st.sampled_from(["step", "task"]))
def test_order_of_listing_makes_no_difference(
    flow: list[Block], seed: int, granularity: str
) -> None:
    """The same flow run gives the same plan, in whatever order Metaflow lists its tasks."""
    tasks = act_out(flow).tasks
    item = plan_of(flow_run(*tasks), granularity=granularity)
    other = plan_of(flow_run(*shuffled(tasks, seed)), granularity=granularity)

    assert item == other
    assert item.digest == other.digest


def test_curves_that_are_too_large_for_the_summary() -> None:
    """A long list of numbers is a file, and still a chart; names in its pickle are none."""
    refs = [
        ref("losses", type_="list", size=200_000, names=()),
        ref("longer", type_="list", size=2_000_000, names=()),
        ref("when", type_="list", size=200_000, names=("datetime.date",)),
        ref("short", type_="list", size=900, names=()),
    ]
    start = runs_of(flow_run(task("start/1", has=refs)))["start"]

    assert [value.key for value in start.curves] == ["losses"]
    assert [value.key for value in start.values] == ["short"]
    assert {artifact.name: artifact.files[0].form for artifact in start.outputs} == dict.fromkeys(
        ("losses", "longer", "when"), Form.JSON
    )


class Watched(dict[str, str]):
    """Metadata of a task that counts how often it is asked what triggered the flow run."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is there."""
        self.asked += key == "execution-triggers"
        return super().get(key, default)


def test_what_triggered_a_flow_run_is_read_once() -> None:
    """And not once more by each W&B run: of a thousand tasks that would be a million reads."""
    events = Watched({"execution-triggers": '[{"type": "run", "id": "Other/3/end/4"}]'})
    run = flow_run(
        task("start/1", to="work", over="items", metadata=events),
        *(task(f"work/{n + 2}", to="end", foreach=at(f"work:items:{n}")) for n in range(9)),
        task("end/11"),
    )

    runs = plan_of(run, granularity="task").runs

    assert len(runs) == 11
    assert {tuple(run.config["metaflow"]["triggered_by"]) for run in runs} == {("Other/3",)}
    assert events.asked == 1


def strange(text: str) -> FlowRun:
    """Return a flow run that is called so in all places."""
    name = text.replace("/", "_")
    cards = (Card("default", text, "u1"), Card("default", text, "u2"), Card(text, None, "u3"))
    start = task(
        f"start{name}/1{name}",
        to="end",
        has=[data_frame(f"d{text}", "w"), data_frame(text, "w2"), ref(f"v{text}")],
        cards=cards,
        metadata={"script-name": text, "git-info": text, "kubernetes-pod-name": text},
    )
    run = flow_run(start, task("end/2"))
    return with_storable_text(replace(run, tags=(text, "ok"), doc=text))


@given(text=anything())
@settings(max_examples=examples(150), deadline=None)
def test_plan(text: str) -> None:
    """All that has a limit in W&B keeps it, nothing is empty, nothing leads to another place."""
    plan = plan_of(strange(text))

    assert_label(plan.group, 128)
    for run in plan.runs:
        assert_label(run.name, 128)
        assert_label(run.group, 128)
        assert_label(run.job_type, 64)
        for tag in run.tags:
            assert_label(tag, 64)
        for value in run.origin.values():
            assert_inert(value)
        for key in (*run.config, *(value.key for value in run.values)):
            assert_key(key)
        cards = [card.key for card in run.cards]
        assert len(set(cards)) == len(cards)
        for key in cards:
            assert_key(key)
        for output in run.outputs:
            assert_label(output.name, 128)
            assert output.name.strip(".")
            for alias in output.aliases:
                assert_label(alias, 128)
        everything = run.fingerprint + plan.to_json()
        assert "\\u0000" not in everything
