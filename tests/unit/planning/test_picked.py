"""Artifacts that a step picked among those of several tasks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.config import Settings
from mfwb.planning import OutputArtifact, PlannedRun
from mfwb.planning.classify import Kind, classify
from mfwb.snapshot import ArtifactRef, FlowRun, Loss
from tests.support.examples import examples
from tests.support.flow_runs import at, flow_run, model, ref, sha, spec, task
from tests.unit.planning.plans import plan_of, runs_of
from tests.unit.random_flows import Block, act_out, flows

ALIASES = ("latest", "run-7")


def fan(*models: ArtifactRef, picked: ArtifactRef, best: ArtifactRef | None = None) -> FlowRun:
    """Return a foreach whose join passes on one model, and possibly one by another name."""
    work = [
        task(f"work/{index + 2}", to="join", has=[each], foreach=at(f"work:items:{index}"))
        for index, each in enumerate(models)
    ]
    others = [] if best is None else [best]
    return flow_run(
        task("start/1", to="work", over="items"),
        *work,
        task("join/8", to="end", has=[picked, *others]),
        task("end/9", has=[picked, *others]),
    )


PICKED = fan(model("model", "m0"), model("model", "m1"), picked=model("model", "m1"))


def outputs_of(run: PlannedRun) -> dict[str, OutputArtifact]:
    """Return what a W&B run logs, by name."""
    return {artifact.name: artifact for artifact in run.outputs}


def stems(artifact: OutputArtifact) -> list[str]:
    """Return where the files of a W&B artifact are."""
    return [file.stem for file in artifact.files]


def test_a_join_logs_what_it_picked() -> None:
    """It has one file and the aliases; the version with all candidates has an alias of its own."""
    runs = runs_of(PICKED)
    own, candidates = outputs_of(runs["join"])["model"], outputs_of(runs["work"])["model"]

    assert (stems(own), own.aliases) == (["model"], ALIASES)
    assert own.files[0].content.task == spec("join/8")
    assert [item.producer for item in own.picked] == [spec("work/3")]
    assert own.metadata["metaflow"]["picked_from"] == spec("work/3")
    assert stems(candidates) == ["0/model", "1/model"]
    assert candidates.aliases == ("run-7-candidates-work",)
    assert runs["end"].outputs == ()


def test_uses() -> None:
    """The join uses the candidates, and later steps exactly what it logged."""
    runs = runs_of(PICKED)

    assert [used.producer for used in runs["join"].inputs] == [runs["work"].id]
    assert [used.producer for used in runs["end"].inputs] == [runs["join"].id]
    assert [runs[name].level for name in ("work", "join", "end")] == [0, 1, 2]


def test_granularity_task() -> None:
    """The version that was picked has the aliases, and each candidate one of its own."""
    runs = runs_of(PICKED, granularity="task")
    first, second = outputs_of(runs["work/2"])["model"], outputs_of(runs["work/3"])["model"]

    assert first.aliases == ("run-7-candidate-work-0",)
    assert second.aliases == (*ALIASES, "run-7-candidate-work-1")
    assert runs["join/8"].outputs == ()
    assert {used.producer for used in runs["end/9"].inputs} == {runs["work/3"].id}


def test_another_name() -> None:
    """What is picked under another name is what the join wrote, as in Metaflow."""
    run = fan(
        model("model", "m0"),
        model("model", "m1"),
        picked=model("best", "m1"),
    )
    runs = runs_of(run)

    assert outputs_of(runs["join"])["best"].picked == ()
    assert outputs_of(runs["join"])["best"].aliases == ALIASES
    assert outputs_of(runs["work"])["model"].aliases == ALIASES  # nobody passed it on


def test_equal_contents() -> None:
    """If all siblings made the same, the join logs that by itself: its path has no folder."""
    run = fan(model("model", "m"), model("model", "m"), picked=model("model", "m"))

    own = outputs_of(runs_of(run)["join"])["model"]
    assert (stems(own), own.aliases) == (["model"], ALIASES)
    by_task = runs_of(run, granularity="task")
    assert outputs_of(by_task["work/2"])["model"].aliases == (*ALIASES, "run-7-candidate-work-0")


def test_an_artifact_from_before_the_foreach() -> None:
    """What siblings only pass through is no candidate."""
    shared = model("model", "m")
    run = flow_run(
        task("start/1", to="work", over="items", has=[shared]),
        *(
            task(f"work/{n + 2}", to="join", has=[shared], foreach=at(f"work:items:{n}"))
            for n in (0, 1)
        ),
        task("join/8", to="end", has=[shared]),
        task("end/9", has=[shared]),
    )
    for granularity in ("step", "task"):
        plan = plan_of(run, granularity=granularity)
        logged = [artifact for each in plan.runs for artifact in each.outputs]
        assert [artifact.aliases for artifact in logged] == [ALIASES]


def nested() -> FlowRun:
    """Return a foreach in a foreach, whose joins pick the second and then the first."""
    inner = [
        task(
            f"inner/{10 + 2 * i + j}",
            to="inner_join",
            has=[model("model", f"{i}{j}")],
            foreach=at(f"outer:items:{i}", f"inner:items:{j}"),
        )
        for i in (0, 1)
        for j in (0, 1)
    ]
    frames = [at(f"outer:items:{i}") for i in (0, 1)]
    return flow_run(
        task("start/1", to="outer", over="items"),
        *(task(f"outer/{2 + i}", to="inner", over="items", foreach=frames[i]) for i in (0, 1)),
        *inner,
        *(
            task(
                f"inner_join/{20 + i}",
                to="join",
                has=[model("model", f"{i}1")],
                foreach=frames[i],
            )
            for i in (0, 1)
        ),
        task("join/30", to="end", has=[model("model", "01")]),
        task("end/31", has=[model("model", "01")]),
    )


def test_nested() -> None:
    """The inner joins log a folder of their choices, and the outer one picks among these."""
    runs = runs_of(nested())
    models = [outputs_of(runs[name])["model"] for name in ("inner", "inner_join", "join")]

    assert [stems(artifact) for artifact in models] == [
        ["0/0/model", "0/1/model", "1/0/model", "1/1/model"],
        ["0/model", "1/model"],
        ["model"],
    ]
    assert [artifact.aliases for artifact in models] == [
        ("run-7-candidates-inner",),
        ("run-7-candidates-inner_join",),
        ALIASES,
    ]
    assert [used.producer for used in runs["join"].inputs] == [runs["inner_join"].id]
    task_aliases = [
        outputs_of(run)["model"].aliases
        for name, run in runs_of(nested(), granularity="task").items()
        if name.startswith("inner/")
    ]
    assert task_aliases == [
        ("run-7-candidate-inner-0-0",),
        (*ALIASES, "run-7-candidate-inner-0-1"),
        ("run-7-candidate-inner-1-0",),
        ("run-7-candidate-inner-1-1",),
    ]


def test_settings_of_the_join() -> None:
    """What its settings exclude is not logged, and what is too large is a loss of its own."""
    off = runs_of(PICKED, flow={"DemoFlow": {"step": {"join": {"models": False}}}})
    assert (off["join"].outputs, off["join"].switched_off, off["join"].losses) == ((), (), ())
    assert outputs_of(off["work"])["model"].aliases == ALIASES

    small = {"DemoFlow": {"step": {"join": {"max_artifact_size": 10}}}}
    lost = runs_of(PICKED, flow=small)["join"]
    reason = "1,000 bytes, more than the 10 that max_artifact_size allows for models"
    assert lost.outputs == ()
    assert lost.losses == (Loss("version of model by DemoFlow/7/join", reason),)

    only = runs_of(PICKED, flow={"DemoFlow": {"step": {"work": {"models": False}}}})
    assert outputs_of(only["join"])["model"].aliases == ALIASES
    assert (only["work"].outputs, only["join"].inputs) == ((), ())


def test_a_name_that_the_last_task_does_not_have() -> None:
    """The last W&B run that logs it has the aliases."""
    run = fan(model("model", "m0"), model("model", "m1"), picked=ref("score", "s"))

    assert outputs_of(runs_of(run)["work"])["model"].aliases == ALIASES
    by_task = runs_of(run, granularity="task")
    assert outputs_of(by_task["work/2"])["model"].aliases == ()
    assert outputs_of(by_task["work/3"])["model"].aliases == ALIASES


@settings(max_examples=examples(150), deadline=None)
@given(flows(), st.sampled_from(["step", "task"]))
def test_latest_is_what_the_last_task_has(flow: list[Block], granularity: str) -> None:
    """Whatever the flow: one file with exactly that content, and whoever uses it, uses that."""
    run = flow_run(*act_out(flow).tasks)
    plan = plan_of(run, granularity=granularity)
    [end] = [task for task in run.tasks if task.step == "end"]
    step_settings = Settings.model_validate({}).for_step("DemoFlow", "end")
    for held in end.artifacts:
        if classify(held, step_settings).kind is Kind.VALUE:
            continue
        kind = classify(held, step_settings).kind.value
        final = [
            artifact
            for each in plan.runs
            for artifact in each.outputs
            if artifact.metadata["metaflow"]["artifact"] == held.name
            and artifact.type == kind
            and "run-7" in artifact.aliases
        ]
        [artifact] = final
        [file] = artifact.files
        assert file.content.sha1 == held.sha1
        assert "/" not in file.stem
    levels = {each.id: each.level for each in plan.runs}
    for step in run.steps:
        rounds = {task.pathspec: task.rounds for task in step.tasks}
        of_step = [each for each in plan.runs if each.tasks[0].pathspec in rounds]
        for number in set(rounds.values()):
            siblings = [each for each in of_step if rounds[each.tasks[0].pathspec] == number]
            assert len({levels[each.id] for each in siblings}) <= 1


def test_metadata_of_several() -> None:
    """A folder of picked ones names all producers, and its size is that of its files."""
    folder = outputs_of(runs_of(nested())["inner_join"])["model"]

    assert folder.metadata["metaflow"]["picked_from"] == [spec("inner/11"), spec("inner/13")]
    assert folder.metadata["metaflow"]["size"] == 2000
    assert [file.content.sha1 for file in folder.files] == [sha("01"), sha("11")]
