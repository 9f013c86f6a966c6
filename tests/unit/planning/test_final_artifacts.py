"""The final artifacts of a flow run, and the W&B artifacts that have them."""

from __future__ import annotations

from mfwb.lineage import rebuild_lineage
from mfwb.planning.final_artifacts import select_final_artifacts
from mfwb.snapshot import FlowRun, FlowRunState, TaskState
from tests.support.flow_runs import at, data_frame, flow_run, model, ref, task
from tests.unit.planning.plans import plan_of


def _final(run: FlowRun, granularity: str = "step") -> dict[str, str]:
    """Return the W&B run that logs each final artifact, by names."""
    runs = plan_of(run, granularity=granularity).runs
    final = select_final_artifacts(run, rebuild_lineage(run), runs)
    return {item.output.name: item.run.name.removeprefix("DemoFlow/7/") for item in final}


def test_what_the_last_step_has() -> None:
    """Whoever wrote it; what it does not have is not final, nor is a value."""
    run = flow_run(
        task("start/1", to="work", has=[data_frame("rows", "1"), model("draft", "2")]),
        task("work/2", to="end", has=[data_frame("rows", "1"), model("best", "3"), ref("x", "4")]),
        task("end/3", has=[data_frame("rows", "1"), model("best", "3"), ref("x", "4")]),
    )

    assert _final(run) == {"best": "work", "rows": "start"}


def test_what_was_written_again() -> None:
    """The last version counts."""
    run = flow_run(
        task("start/1", to="end", has=[data_frame("rows", "1")]),
        task("end/2", has=[data_frame("rows", "2")]),
    )

    assert _final(run) == {"rows": "end"}


def _picked() -> FlowRun:
    return flow_run(
        task("start/1", to="work", over="xs", has=[ref("xs", "1", "list")]),
        *(
            task(
                f"work/{number}",
                to="join",
                has=[ref("xs", "1", "list"), model("best", f"m{number}")],
                foreach=at(f"work:xs:{number - 2}"),
            )
            for number in (2, 3, 4)
        ),
        task("join/5", to="end", has=[model("best", "m3")]),
        task("end/6", has=[model("best", "m3")]),
    )


def test_a_sibling_that_was_picked() -> None:
    """It is the version in which that sibling's content is, not the last sibling's."""
    assert _final(_picked(), "task") == {"best": "work/3"}
    assert set(_final(_picked()).values()) <= {"work", "join"}


def test_a_flow_run_that_failed() -> None:
    """It has no data; the last artifact of each name stands for it."""
    run = flow_run(
        task("start/1", to="work", has=[data_frame("rows", "1"), model("draft", "2")]),
        task("work/2", has=[data_frame("rows", "3")], state=TaskState.FAILED),
        state=FlowRunState.FAILED,
    )

    assert _final(run) == {"draft": "start", "rows": "work"}
