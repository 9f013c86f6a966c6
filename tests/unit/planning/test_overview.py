"""The plan of the W&B run of a whole flow run."""

from __future__ import annotations

from dataclasses import replace

from mfwb.planning import OverviewEdge
from mfwb.snapshot import Failure, FlowRunState, TaskState
from tests.support.flow_runs import at, data_frame, flow_run, parameter, ref, task, tried
from tests.unit.planning.plans import plan_of

RUN = flow_run(
    task("start/1", to="work", over="xs", has=[data_frame("rows", "1"), ref("xs", "2", "list")]),
    task(
        "work/2",
        to="join",
        has=[data_frame("rows", "1"), ref("a", "3", "float")],
        foreach=at("work:xs:0"),
        attempts=(tried(1_000, 2_000, ok=False), tried(3_000, 4_000, number=1)),
    ),
    task(
        "work/3",
        to="join",
        has=[data_frame("rows", "1"), ref("a", "4", "float")],
        foreach=at("work:xs:1"),
        state=TaskState.CAUGHT,
        failure=Failure("ValueError", "no"),
        attempts=(tried(1_000, 5_000),),
    ),
    task("join/4", to="end", has=[data_frame("rows", "1"), ref("a", "4", "float")]),
    task("end/5", has=[data_frame("rows", "1")]),
    parameters=(parameter("alpha", 0.5),),
    tags=("prod",),
)


def test_it_is_off_by_default() -> None:
    """A W&B run per step is the rule."""
    assert [run.job_type for run in plan_of(RUN).runs] == ["start", "work", "join", "end"]


def test_it_comes_last_and_touches_no_other() -> None:
    """The others are the same with and without it."""
    for granularity in ("step", "task"):
        without = plan_of(RUN, granularity=granularity).runs
        *others, run = plan_of(RUN, granularity=granularity, overview=True).runs

        assert tuple(others) == without
        assert (run.name, run.job_type, run.group) == ("DemoFlow/7", "flow", "DemoFlow/7")
        assert run.level > max(other.level for other in others)
        assert run.id not in {other.id for other in others}
        assert (run.config["alpha"], run.tags, run.exit_code) == (0.5, ("prod",), 0)
        assert [(output.name, output.aliases) for output in run.outputs] == [("rows", ())]


def test_steps_tasks_and_values() -> None:
    """As Metaflow has them, with each attempt, and the sibling that the join chose."""
    overview = plan_of(RUN, overview=True).runs[-1].overview
    assert overview is not None
    steps = {step.name: step for step in overview.steps}
    tasks = {task.label: task for task in overview.tasks if task.step == "work"}
    values = {value.key: value for value in overview.values}

    assert (steps["work"].state, steps["work"].tasks, steps["work"].parents) == (
        *("caught", 2),
        ("start",),
    )
    assert steps["start"].outputs == ("rows", "xs")
    assert [(attempt.state, attempt.seconds) for attempt in tasks["0"].attempts] == [
        ("failed", 1.0),
        ("ok", 1.0),
    ]
    assert tasks["1"].failure == "ValueError: no"
    assert values["work/a"].chosen == "DemoFlow/7/work/3"
    assert values["work/a"].is_merged
    assert OverviewEdge("start", "rows", "work") in overview.edges


def test_a_name_with_values_and_exceptions_is_left_out() -> None:
    """What some tasks have would look like what all have; the step's own W&B run has both."""
    caught = "metaflow.exception.MetaflowExceptionWrapper"
    run = flow_run(
        task("start/1", to="work", over="xs", has=[ref("xs", "2", "list")]),
        task("work/2", to="join", has=[ref("broke", "3", "NoneType")], foreach=at("work:xs:0")),
        task("work/3", to="join", has=[ref("broke", "4", caught)], foreach=at("work:xs:1")),
        task("join/4", to="end"),
        task("end/5"),
    )
    overview = plan_of(run, overview=True).runs[-1].overview
    assert overview is not None
    assert "work/broke" not in {value.key for value in overview.values}


def test_what_the_source_shows_is_no_part_of_the_fingerprint() -> None:
    """The source may be gone at the next sync; all else counts."""
    run = plan_of(RUN, overview=True).runs[-1]
    assert run.overview is not None
    without_source = replace(
        run.overview,
        edges=(),
        steps=tuple(replace(step, inputs=()) for step in run.overview.steps),
    )
    other_state = replace(run.overview, steps=(replace(run.overview.steps[0], state="failed"),))

    assert replace(run, overview=without_source).fingerprint == run.fingerprint
    assert replace(run, overview=other_state).fingerprint != run.fingerprint


def test_a_flow_run_that_failed() -> None:
    """Its W&B run failed, too, whatever its steps did."""
    for state in (FlowRunState.FAILED, FlowRunState.ABANDONED):
        run = plan_of(replace(RUN, state=state), overview=True).runs[-1]

        assert run.exit_code == 1
        assert run.summary["metaflow"]["state"] == state.value


def test_settings_of_the_flow() -> None:
    """Its job type is always the same; tags and group are those of the flow."""
    flow = {"DemoFlow": {"settings": {"run_job_type": "t", "run_tags": ["x"], "run_group": "g"}}}
    run = plan_of(RUN, overview=True, flow=flow).runs[-1]

    assert (run.job_type, run.group, run.tags) == ("flow", "g", ("prod", "x"))
