"""Checkpoints that no artifact refers to: a W&B artifact for each name, a version for each of them.

A task saves a checkpoint for each epoch, say, and keeps the reference to the last one. The package
lists all of them. They are not among Metaflow's artifacts of the task, so the account does not
count them; one that can't be written is a loss like any other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mfwb.free_names import free_name
from mfwb.planning import names
from mfwb.planning.checkpoints import describe_facts, loaded_by_task
from mfwb.planning.classify import Kind, can_be_reference
from mfwb.planning.plan import (
    Content,
    Form,
    OutputArtifact,
    PlannedCheckpoint,
    PlannedFile,
    PlannedRun,
)
from mfwb.planning.run_scopes import RunScope
from mfwb.snapshot import FlowRun, Loss, Task
from mfwb.snapshot.checkpoints import SAVED, StoredReference, series_name

__all__ = ["VERSIONS_LIMIT", "add_series"]

VERSIONS_LIMIT = 100
"""Versions of one name that a W&B run logs; of more, these are the latest ones."""

_Saved = tuple[Task, StoredReference]


def add_series(
    runs: Sequence[PlannedRun], scopes: Iterable[RunScope], flow_run: FlowRun, run_alias: str
) -> list[PlannedRun]:
    """Return the W&B runs with the further checkpoints of their tasks, in the order of saving.

    Of the W&B runs that log a name, the last version of the last one gets the aliases.

    Args:
        runs: the W&B runs of the flow run.
        scopes: of the same W&B runs.
        flow_run: the flow run.
        run_alias: the alias that names it.
    """
    loaded = loaded_by_task(flow_run)
    by_id = {scope.id: scope for scope in scopes}
    series = {run.id: _series_of(run, by_id[run.id]) for run in runs}
    if not any(series.values()):
        return list(runs)
    order = sorted(range(len(runs)), key=lambda position: (runs[position].level, position))
    last = {name: runs[position].id for position in order for name in series[runs[position].id]}
    taken = {output.name for run in runs for output in run.outputs}
    result = []
    for run in runs:
        for name, saved in series[run.id].items():
            aliases = ("latest", run_alias) if last[name] == run.id else ()
            free = free_name(names.artifact_name(name), taken)
            run = _with_versions(run, by_id[run.id], free, saved, loaded, aliases)  # noqa: PLW2901
        result.append(run)
    return result


def _series_of(run: PlannedRun, scope: RunScope) -> dict[str, list[_Saved]]:
    """Return what the tasks saved, by name; without names that artifacts refer to completely."""
    if not scope.settings.models:
        return {}
    filed = {file.content for output in run.outputs for file in output.files}
    referenced = {own.reference.key for own in run.checkpoints if own.content in filed}
    by_name: dict[str, list[_Saved]] = defaultdict(list)
    for task in scope.tasks:
        for reference in task.saved:
            by_name[series_name(reference)].append((task, reference))
    return {
        name: saved
        for name, saved in sorted(by_name.items())
        if not referenced.issuperset(reference.key for _, reference in saved)
    }


def _with_versions(  # noqa: PLR0913, PLR0917 - what it is of
    run: PlannedRun,
    scope: RunScope,
    name: str,
    saved: Sequence[_Saved],
    loaded: Mapping[str, Sequence[str]],
    aliases: tuple[str, ...],
) -> PlannedRun:
    outputs: list[OutputArtifact] = []
    checkpoints: list[PlannedCheckpoint] = []
    losses: list[Loss] = []
    left_out = len(saved) - VERSIONS_LIMIT
    if left_out > 0:
        reason = f"{left_out:,} older ones than the latest {VERSIONS_LIMIT:,}"
        losses.append(Loss(f"checkpoints {name} of {run.name}", reason))
    limit = scope.settings.max_artifact_size.model
    for task, reference in saved[-VERSIONS_LIMIT:]:
        content = _make_content(task, reference)
        is_larger = limit is not None and (reference.size or 0) > limit
        form = Form.CHECKPOINT
        if can_be_reference(form, task, scope.settings, is_larger=is_larger):
            form = Form.REFERENCE
        elif is_larger:
            reason = f"{reference.size:,} bytes, more than the {limit:,} of max_artifact_size"
            losses.append(Loss(f"checkpoint {reference.key} of {run.name}", reason))
            continue
        checkpoints.append(PlannedCheckpoint(content, "", reference, limit))
        facts = {
            "step": scope.step.name,
            "task": task.pathspec,
            "size": reference.size,
        }
        outputs.append(
            OutputArtifact(
                name=name,
                type=Kind.MODEL.value,
                aliases=(),
                metadata=describe_facts(facts, reference, loaded),
                files=(PlannedFile(name, form, content),),
            )
        )
    if outputs:
        outputs[-1] = replace(outputs[-1], aliases=aliases)
    return replace(
        run,
        outputs=(*run.outputs, *outputs),
        checkpoints=(*run.checkpoints, *checkpoints),
        losses=(*run.losses, *losses),
    )


def _make_content(task: Task, reference: StoredReference) -> Content:
    """Return a content that stands for a checkpoint; its sha1 is that of the key alone."""
    sha1 = hashlib.sha1(reference.key.encode(), usedforsecurity=False).hexdigest()
    return Content(task.pathspec, f"{SAVED}{_number(reference)}", sha1, reference.size or 0)


def _number(reference: StoredReference) -> str:
    if reference.version is None:
        return reference.uuid or reference.name
    return f"{reference.name}.{reference.attempt}.{reference.version}"
