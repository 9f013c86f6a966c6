"""Which other W&B runs' artifacts a W&B run uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mfwb.lineage import Edge, Evidence, Lineage
from mfwb.planning.external_inputs import ExternalInputs
from mfwb.planning.logging_runs import LoggedIndex, index_logged_artifacts
from mfwb.planning.outputs import Outputs
from mfwb.planning.plan import InputArtifact, WandbRunId, use_item
from mfwb.planning.run_scopes import RunScope
from mfwb.snapshot import Loss

__all__ = ["Inputs", "select_inputs"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one W&B run uses, and the level that this puts it on."""

    artifacts: tuple[InputArtifact, ...]
    losses: tuple[Loss, ...]
    level: int


def select_inputs(
    subjects: Sequence[RunScope],
    lineage: Lineage,
    outputs: dict[WandbRunId, Outputs],
    outside: ExternalInputs,
) -> dict[WandbRunId, Inputs]:
    """Return what each W&B run uses, and on which level that puts it."""
    logged = index_logged_artifacts(subjects, outputs)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        edges[edge.consumer].append(edge)
    found: dict[WandbRunId, Inputs] = {}
    for subject in subjects:  # in the order of the graph: some tasks may have skipped a step
        mine = [edge for task in subject.tasks for edge in edges[task.pathspec]]
        inner = _inputs_of(subject, mine, logged, found)
        used, losses = outside.of(subject)
        found[subject.id] = replace(
            inner,
            artifacts=tuple(sorted({*inner.artifacts, *used})),
            losses=(*inner.losses, *losses),
        )
    return found


def _inputs_of(
    subject: RunScope, edges: Iterable[Edge], logged: LoggedIndex, done: dict[WandbRunId, Inputs]
) -> Inputs:
    used, losses, level = set(), set(), 0
    for edge in edges:
        producer, artifact = logged.get((edge.producer, edge.artifact), (subject, None))
        if artifact is None or producer.id == subject.id:
            continue
        if producer.id not in done:
            reason = f"{subject.name} and {producer.name} use artifacts of each other"
            losses.add(Loss(use_item(artifact.name, subject.name), reason))
            continue
        level = max(level, done[producer.id].level + 1)
        used.add(
            InputArtifact(
                name=artifact.name,
                type=artifact.type,
                producer=producer.id,
                producer_name=producer.name,
                ground=edge.evidence.value,
            )
        )
    by_item = sorted(losses, key=lambda loss: loss.item)
    return Inputs(_strongest(used), tuple(by_item), level)


_GROUNDS = tuple(
    ground.value
    for ground in (Evidence.READ, Evidence.FOREACH_INPUT, Evidence.PARAMETER, Evidence.AVAILABLE)
)


def _strongest(used: Iterable[InputArtifact]) -> tuple[InputArtifact, ...]:
    """Return one input per W&B artifact, on the ground that says most."""
    best: dict[tuple[WandbRunId, str], InputArtifact] = {}
    for one in sorted(used, key=lambda one: _GROUNDS.index(one.ground)):
        best.setdefault((one.producer, one.name), one)
    return tuple(sorted(best.values()))
