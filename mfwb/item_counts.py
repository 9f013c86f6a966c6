"""Item counts: how each artifact ended, so that none goes missing between plan and outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from mfwb.outcome import InputOutcome, ItemCounts, OutputOutcome, RuleOutcome, WandbRunOutcome
from mfwb.planning import InputArtifact, OutputArtifact, OverviewValue, PlannedRun, PlannedValue
from mfwb.planning.names import names_in_project
from mfwb.ports import ExpectedFiles, ExpectedRun
from mfwb.snapshot import Loss
from mfwb.snapshot.pathspec import flow_run_of, owner_and_name, parameters_of

__all__ = [
    "as_planned",
    "count_deleted",
    "count_items",
    "count_refused_items",
    "count_same_content",
    "describe_inputs",
]


def count_items(
    run: PlannedRun, losses: Collection[Loss], outputs: Collection[OutputOutcome]
) -> ItemCounts:
    """Return how the artifacts that a W&B run's tasks wrote ended; the parts add up to the total.

    Args:
        run: the planned W&B run.
        losses: losses of this W&B run, including those of the plan.
        outputs: the W&B artifacts that were logged, or are planned to be.
    """
    if run.overview is not None:  # its content is a second view of items of other W&B runs
        return ItemCounts()
    lost = {loss.item for loss in losses}
    logged = {(output.name, output.type): output for output in outputs}
    contents = [content for value in run.values for content in value.contents]
    values = [content for content in contents if content.pathspec not in lost]
    written = deduplicated = missing = 0
    for artifact in filter(_has_artifacts, run.outputs):
        at_hand = sum(file.content.pathspec not in lost for file in artifact.written_files)
        names = names_in_project(artifact.name, artifact.type)
        output = next(filter(None, (logged.get((name, artifact.type)) for name in names)), None)
        if output is None:
            missing += at_hand
        elif output.deduplicated:
            deduplicated += at_hand
        else:
            written += at_hand
    planned = _planned_items(run)
    lost_beforehand = sum(_is_artifact(loss, run) for loss in run.losses)
    return ItemCounts(
        total=len(planned) + len(run.switched_off) + lost_beforehand,
        values=len(values),
        written=written,
        deduplicated=deduplicated,
        switched_off=len(run.switched_off),
        lost=len(lost & planned) + lost_beforehand + missing,
    )


def count_same_content(items: ItemCounts, outputs: Collection[OutputOutcome]) -> ItemCounts:
    """Return the counts, corrected by the W&B artifacts whose content W&B had already."""
    both = items.written + items.deduplicated
    same = min(both, sum(output.items for output in outputs if output.deduplicated))
    return replace(items, written=both - same, deduplicated=same)


def count_refused_items(items: ItemCounts, refused: Collection[OutputOutcome]) -> ItemCounts:
    """Return the counts, corrected by the W&B artifacts that W&B refused."""
    number = sum(output.items for output in refused)
    written = min(items.written, number)
    same = min(items.deduplicated, number - written)
    return replace(
        items,
        written=items.written - written,
        deduplicated=items.deduplicated - same,
        lost=items.lost + written + same,
    )


def count_deleted(run: PlannedRun) -> ItemCounts:
    """Return the counts of a W&B run that somebody deleted: all its items are switched off."""
    total = count_items(run, run.losses, ()).total
    return ItemCounts(total=total, switched_off=total)


def describe_inputs(
    run: PlannedRun, digests: dict[tuple[str, str], str | None], losses: Iterable[Loss] = ()
) -> tuple[InputOutcome, ...]:
    """Return the artifacts that a W&B run uses, without uses that were lost.

    Args:
        run: the planned W&B run.
        digests: by (producer's name, artifact name).
        losses: losses of planned items, found when they were written.
    """
    lost = {loss.item for loss in losses}
    return tuple(
        _describe_input(used, digests) for used in run.inputs if run.use_item(used) not in lost
    )


def _describe_input(
    used: InputArtifact, digests: dict[tuple[str, str], str | None]
) -> InputOutcome:
    names = names_in_project(used.name, used.type)
    logged = (name for name in names if (used.producer_name, name) in digests)
    name = next(logged, used.name)
    return InputOutcome(
        name=name,
        type=used.type,
        digest=digests.get((used.producer_name, name)),
        producer=used.producer_name,
        ground=used.ground,
    )


def as_planned(
    run: PlannedRun,
    rules: Mapping[str, RuleOutcome] = MappingProxyType({}),
    expected: ExpectedRun | None = None,
    losses: Collection[Loss] = (),
) -> WandbRunOutcome:
    """Return the outcome of a W&B run if all goes as planned.

    Args:
        run: the planned W&B run.
        rules: what the settings' rules give to its artifacts, by name.
        expected: what is known of its files before a conversion; None: nothing.
        losses: further losses that a sync would have.
    """
    all_losses = (*run.losses, *(expected.losses if expected else ()), *losses)
    all_losses = tuple(dict.fromkeys(all_losses))
    masked = (*run.masked, *(expected.masked if expected else ()))
    outputs = tuple(
        OutputOutcome(
            name=artifact.name,
            type=artifact.type,
            digest=None,
            size=files.size,
            files=tuple(file.stem or file.form.value for file in artifact.files),
            items=min(artifact.items, 1),
            rules=rules.get(artifact.name),
            size_is_estimate=files.is_estimate,
        )
        for artifact in run.outputs
        if (files := _expected_files(artifact, expected)) is not None
    )
    return WandbRunOutcome(
        id=run.id,
        name=run.name,
        job_type=run.job_type,
        state="failed" if run.exit_code else "finished",
        inputs=describe_inputs(run, {}, all_losses),
        outputs=outputs,
        summary_keys=tuple(value.key for value in _values_of(run)),
        passed_on=run.passed_on,
        switched_off=tuple(sorted({content.name for content in run.switched_off})),
        items=count_items(run, all_losses, outputs),
        losses=all_losses,
        masked=tuple({entry.item: entry for entry in masked}.values()),
        fingerprint=run.fingerprint,
        part_digests=run.part_digests,
    )


def _expected_files(artifact: OutputArtifact, expected: ExpectedRun | None) -> ExpectedFiles | None:
    """Return what is known of an artifact's files; None if all of them will be lost."""
    if expected is not None:
        return expected.files.get(artifact.name)
    return ExpectedFiles(sum(file.content.size for file in artifact.files))


def _values_of(run: PlannedRun) -> tuple[PlannedValue | OverviewValue, ...]:
    return run.values if run.overview is None else run.overview.values


def _planned_items(run: PlannedRun) -> set[str]:
    contents = [content for value in run.values for content in value.contents]
    own = filter(_has_artifacts, run.outputs)
    contents += [file.content for artifact in own for file in artifact.written_files]
    return {content.pathspec for content in contents}


def _has_artifacts(artifact: OutputArtifact) -> bool:
    """Return whether a W&B artifact is made from Metaflow's artifacts, as code is not."""
    return not artifact.is_code


def _is_artifact(loss: Loss, run: PlannedRun) -> bool:
    """Return whether a loss of the plan concerns an artifact (and not, for example, an edge)."""
    owners = {task.pathspec for task in run.tasks}
    owners |= {parameters_of(flow_run_of(owner)) for owner in owners}  # included files
    return owner_and_name(loss.item)[0] in owners
