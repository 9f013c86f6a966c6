"""How each artifact ended: nothing may go missing between plan and outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from mfwb.outcome import InputOutcome, ItemCounts, OutputOutcome, WandbRunOutcome
from mfwb.planning import InputArtifact, PlannedRun
from mfwb.planning.names import names_in_project
from mfwb.snapshot import Loss
from mfwb.snapshot.pathspec import flow_run_of, owner_and_name, parameters_of

__all__ = ["as_planned", "count_deleted", "count_items", "count_same_content", "describe_inputs"]


def count_items(
    run: PlannedRun, losses: Collection[Loss], outputs: Collection[OutputOutcome]
) -> ItemCounts:
    """Return how the artifacts that a W&B run's tasks wrote ended; the parts add up.

    Args:
        run: the planned W&B run.
        losses: of this W&B run, those of the plan included.
        outputs: the W&B artifacts that were logged, or are meant to be.
    """
    lost = {loss.item for loss in losses}
    logged = {(output.name, output.type): output for output in outputs}
    values = [one for value in run.values for one in value.contents if one.pathspec not in lost]
    written = deduplicated = missing = 0
    for artifact in run.outputs:
        at_hand = sum(file.content.pathspec not in lost for file in artifact.files)
        called = names_in_project(artifact.name, artifact.type)
        output = next(filter(None, (logged.get((one, artifact.type)) for one in called)), None)
        if output is None:
            missing += at_hand
        elif output.deduplicated:
            deduplicated += at_hand
        else:
            written += at_hand
    planned = _planned_items(run)
    lost_beforehand = sum(_is_artifact(one, run) for one in run.losses)
    return ItemCounts(
        total=len(planned) + len(run.switched_off) + lost_beforehand,
        values=len(values),
        written=written,
        deduplicated=deduplicated,
        switched_off=len(run.switched_off),
        lost=len(lost & planned) + lost_beforehand + missing,
    )


def count_same_content(items: ItemCounts, outputs: Collection[OutputOutcome]) -> ItemCounts:
    """Return counts after it was seen which W&B artifacts W&B had already; the rest stays."""
    both = items.written + items.deduplicated
    same = min(both, sum(one.items for one in outputs if one.deduplicated))
    return replace(items, written=both - same, deduplicated=same)


def count_deleted(run: PlannedRun) -> ItemCounts:
    """Return the counts of a W&B run that somebody deleted: all of it is switched off with it."""
    total = count_items(run, run.losses, ()).total
    return ItemCounts(total=total, switched_off=total)


def describe_inputs(
    run: PlannedRun, digests: dict[tuple[str, str], str | None], losses: Iterable[Loss] = ()
) -> tuple[InputOutcome, ...]:
    """Return what a W&B run uses, but for uses that were lost.

    Args:
        run: as planned.
        digests: by (producer's name, artifact name).
        losses: of what was planned, when it was written.
    """
    lost = {loss.item for loss in losses}
    return tuple(_described(one, digests) for one in run.inputs if run.use_item(one) not in lost)


def _described(used: InputArtifact, digests: dict[tuple[str, str], str | None]) -> InputOutcome:
    called = names_in_project(used.name, used.type)
    known = (one for one in called if (used.producer_name, one) in digests)
    name = next(known, used.name)
    return InputOutcome(
        name=name,
        type=used.type,
        digest=digests.get((used.producer_name, name)),
        producer=used.producer_name,
        ground=used.ground,
    )


def as_planned(run: PlannedRun) -> WandbRunOutcome:
    """Return the outcome of a W&B run if all goes as planned."""
    outputs = tuple(
        OutputOutcome(
            name=artifact.name,
            type=artifact.type,
            digest=None,
            size=sum(file.content.size for file in artifact.files),
            files=tuple(file.stem for file in artifact.files),
        )
        for artifact in run.outputs
    )
    return WandbRunOutcome(
        id=run.id,
        name=run.name,
        job_type=run.job_type,
        state="failed" if run.exit_code else "finished",
        inputs=describe_inputs(run, {}),
        outputs=outputs,
        summary_keys=tuple(value.key for value in run.values),
        passed_on=run.passed_on,
        switched_off=tuple(sorted({one.name for one in run.switched_off})),
        items=count_items(run, run.losses, outputs),
        losses=run.losses,
    )


def _planned_items(run: PlannedRun) -> set[str]:
    contents = [one for value in run.values for one in value.contents]
    contents += [file.content for artifact in run.outputs for file in artifact.files]
    return {one.pathspec for one in contents}


def _is_artifact(loss: Loss, run: PlannedRun) -> bool:
    """Whether a loss of the plan is that of an artifact (and not, say, of an edge)."""
    owners = {task.pathspec for task in run.tasks}
    owners |= {parameters_of(flow_run_of(owner)) for owner in owners}  # included files
    return owner_and_name(loss.item)[0] in owners
