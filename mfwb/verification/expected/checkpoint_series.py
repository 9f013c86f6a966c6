"""Checkpoints that a step saved beside its artifacts: versions of one W&B artifact per name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mfwb.config import StepSettings
from mfwb.snapshot.pathspec import flow_of
from mfwb.verification.expected import names
from mfwb.verification.expected.checkpoint_files import CheckpointFiles
from mfwb.verification.expected.checkpoint_reference import Reference
from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.model import ExpectedFile, ExpectedSeries

__all__ = ["expect_series"]

_MAX_VERSIONS = 100


def expect_series(
    tasks: Sequence[TaskFacts],
    referenced: Iterable[str],
    settings: StepSettings,
    checkpoints: CheckpointFiles,
) -> Iterator[ExpectedSeries]:
    """Yield what a W&B run logs of the checkpoints that its tasks saved.

    Args:
        tasks: of the W&B run.
        referenced: keys of the checkpoints that its artifacts refer to.
        settings: of the step.
        checkpoints: finds the files of references.
    """
    if not settings.models:
        return
    known = frozenset(referenced)
    by_name: dict[str, list[tuple[TaskFacts, Reference]]] = {}
    for task in tasks:
        for reference in task.saved:
            by_name.setdefault(_name(task, reference), []).append((task, reference))
    limit = settings.max_artifact_size.model
    for name, saved in by_name.items():
        if known.issuperset(reference.key for _, reference in saved):
            continue
        versions: list[Sequence[Mapping[str, ExpectedFile]]] = []
        for task, reference in saved[-_MAX_VERSIONS:]:
            options, is_certain = checkpoints.options(
                reference, task.path, task.datastore, settings, limit
            )
            versions.append(options if is_certain else [])
        yield ExpectedSeries(names.artifact_names(name, ("model",)), tuple(versions))


def _name(task: TaskFacts, reference: Reference) -> str:
    """Return `train-epochs`; the package's own default names say nothing."""
    flow = flow_of(task.path)
    is_default = reference.name in {"", "mfchckpt", f"{flow}_{task.step}"}
    return f"{task.step}-{reference.kind if is_default else reference.name}"
