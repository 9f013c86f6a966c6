"""Counts of how each artifact ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.item_counts import as_planned, count_items, describe_inputs
from mfwb.outcome import InputOutcome, ItemCounts, OutputOutcome
from mfwb.planning import InputArtifact, PlannedRun, WandbRunId
from mfwb.snapshot import ArtifactRef, Failure, Loss, TaskState
from tests.support.examples import examples
from tests.support.flow_runs import at, data_frame, flow_run, model, parameter, ref, spec, task
from tests.unit.planning.plans import runs_of

WORK = [
    task(
        f"work/{location + 2}",
        has=[
            model("model", f"m{location}"),
            data_frame("frame", f"d{location}"),
            ref("v", f"v{location}"),
        ],
        foreach=at(f"work:items:{location}"),
    )
    for location in (0, 1)
]
FLOW_RUN = flow_run(task("start/1", to="work", over="items"), *WORK)


def work(**chosen: Any) -> PlannedRun:
    """Return the plan of a foreach over two, with a model, a frame and a number in each task."""
    return runs_of(FLOW_RUN, **chosen)["work"]


def logged(
    run: PlannedRun, *, same: Sequence[str] = (), but: Sequence[str] = ()
) -> list[OutputOutcome]:
    """Return what was logged: everything planned, `but` some, and the `same` as was there."""
    return [
        OutputOutcome(output.name, output.type, "d", 1, (), deduplicated=output.name in same)
        for output in run.outputs
        if output.name not in but
    ]


def test_all_written() -> None:
    """Artifacts are counted by task, not by W&B artifact."""
    assert count_items(work(), (), logged(work())) == ItemCounts(total=6, values=2, written=4)


def test_deduplicated() -> None:
    """What W&B had already is counted apart."""
    result = count_items(work(), (), logged(work(), same=["model"]))

    assert result == ItemCounts(total=6, values=2, written=2, deduplicated=2)


def test_switched_off() -> None:
    """What is switched off is no loss."""
    run = work(models=False)

    assert count_items(run, run.losses, logged(run)) == ItemCounts(
        total=6, values=2, written=2, switched_off=2
    )


def test_lost_while_planning() -> None:
    """What is too large counts as lost."""
    run = work(max_artifact_size=999)

    assert count_items(run, run.losses, logged(run)) == ItemCounts(total=6, values=2, lost=4)


def test_lost_on_the_way() -> None:
    """A value and a file that could not be had are lost; the other file of that name is not."""
    losses = [Loss(spec("work/2/v"), "gone"), Loss(spec("work/3/model"), "gone")]
    run = work()

    assert count_items(run, losses, logged(run)) == ItemCounts(total=6, values=1, written=3, lost=2)


def test_lost_twice() -> None:
    """An artifact that was lost for two reasons is lost once."""
    losses = [Loss(spec("work/2/v"), "one reason"), Loss(spec("work/2/v"), "another")]

    assert count_items(work(), losses, logged(work())).lost == 1


def test_refused_by_wandb() -> None:
    """The files of a W&B artifact that was not logged are lost."""
    run = work()
    result = count_items(run, (), logged(run, but=["model"]))

    assert result == ItemCounts(total=6, values=2, written=2, lost=2)


def test_other_losses() -> None:
    """A log, a card or an edge that is lost is no artifact."""
    losses = [Loss("log of DemoFlow/7/work/2", "gone"), Loss("use of x by y", "odd")]
    run = replace(work(), losses=tuple(losses))

    assert count_items(run, losses, logged(run)) == ItemCounts(total=6, values=2, written=4)


def test_included_file_that_is_too_large() -> None:
    """An IncludeFile is logged by the first step; too large, it is a loss of that step."""
    included = parameter(
        "words", None, "IncludeFile", type_="metaflow.includefile.IncludedFile", size=300
    )
    run = flow_run(task("start/1"), parameters=(included,))
    kept, lost = runs_of(run)["start"], runs_of(run, max_artifact_size=299)["start"]

    assert count_items(kept, kept.losses, logged(kept)) == ItemCounts(total=1, written=1)
    assert count_items(lost, lost.losses, logged(lost)) == ItemCounts(total=1, lost=1)


def test_a_use_that_was_lost() -> None:
    """It is not among what a W&B run used; another use of the same name is."""
    uses = [
        InputArtifact(name, "model", WandbRunId(f"id-{producer}"), producer, "read")
        for name, producer in [("model", "F/1/a"), ("model", "F/1/b"), ("other", "F/1/b")]
    ]
    run = replace(work(), inputs=tuple(uses))
    lost = [Loss(run.use_item(use), "it was not logged") for use in uses[1:]]

    assert [item.item for item in lost] == [
        "use of model of F/1/b by DemoFlow/7/work",
        "use of other by DemoFlow/7/work",
    ]
    assert [(item.name, item.producer) for item in describe_inputs(run, {}, lost)] == [
        ("model", "F/1/a")
    ]


KINDS = st.sampled_from(["int", "pandas.DataFrame", "sklearn.svm.SVC", "numpy.ndarray"])
ARTIFACTS = st.lists(
    st.builds(ref, st.sampled_from("abcdef"), st.just("s"), KINDS, st.sampled_from([1, 2_000])),
    unique_by=lambda item: item.name,
    max_size=6,
)


@settings(max_examples=examples(60))
@given(
    st.lists(ARTIFACTS, min_size=1, max_size=4),
    st.fixed_dictionaries(
        {
            "datasets": st.booleans(),
            "models": st.booleans(),
            "others": st.booleans(),
            "max_artifact_size": st.sampled_from([None, 1_000]),
        }
    ),
    st.data(),
)
def test_parts_add_up(
    tasks: list[list[ArtifactRef]], chosen: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever is switched off, lost or there already: every artifact is counted exactly once."""
    siblings = [
        task(f"work/{location + 2}", has=has, foreach=at(f"work:items:{location}"))
        for location, has in enumerate(tasks)
    ]
    run = runs_of(flow_run(task("start/1", to="work", over="items"), *siblings), **chosen)["work"]
    names = [output.name for output in run.outputs]
    some = st.lists(st.sampled_from(names)) if names else st.just([])
    outputs = logged(run, same=data.draw(some), but=data.draw(some))
    items = [f"{sibling.pathspec}/{ref.name}" for sibling in siblings for ref in sibling.artifacts]
    gone = data.draw(st.lists(st.sampled_from(items))) if items else []
    off = {f"{entry.task}/{entry.name}" for entry in run.switched_off}
    losses = [*run.losses, *(Loss(item, "gone") for item in gone if item not in off)]
    result = count_items(run, losses, outputs)

    assert result.total == len(items)
    assert result.total == (
        result.values + result.written + result.deduplicated + result.switched_off + result.lost
    )
    assert min(result.values, result.written, result.deduplicated, result.lost) >= 0


def test_inputs() -> None:
    """Inputs are told with the digests that their producers' artifacts got, if known."""
    run = flow_run(task("start/1", to="end", has=[data_frame("a"), data_frame("b")]), task("end/2"))
    start, end = runs_of(run)["start"], runs_of(run)["end"]

    assert describe_inputs(end, {(start.name, "a"): "d-a"}) == (
        InputOutcome("a", "dataset", "d-a", "DemoFlow/7/start", "available"),
        InputOutcome("b", "dataset", None, "DemoFlow/7/start", "available"),
    )


def test_as_planned() -> None:
    """The outcome of a plan says what sync would, but for what only W&B knows."""
    result = as_planned(work(datasets=False))

    assert (result.name, result.job_type, result.state) == ("DemoFlow/7/work", "work", "finished")
    assert result.outputs == (OutputOutcome("model", "model", None, 2000, ("0/model", "1/model")),)
    assert result.summary_keys == ("v",)
    assert result.switched_off == ("frame",)
    assert result.items == ItemCounts(total=6, values=2, written=2, switched_off=2)


def test_failed_as_planned() -> None:
    """A step that failed becomes a W&B run that failed."""
    run = flow_run(task("start/1", state=TaskState.FAILED, failure=Failure("ValueError", "no")))

    assert as_planned(runs_of(run)["start"]).state == "failed"
