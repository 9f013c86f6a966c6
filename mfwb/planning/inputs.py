"""Inputs of a W&B run: the artifacts of other W&B runs that it uses."""

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

__all__ = ["Inputs", "select_inputs", "select_strongest"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The artifacts that one W&B run uses, and the level that follows from them."""

    artifacts: tuple[InputArtifact, ...]
    losses: tuple[Loss, ...]
    level: int


def select_inputs(
    scopes: Sequence[RunScope],
    lineage: Lineage,
    outputs: dict[WandbRunId, Outputs],
    external_inputs: ExternalInputs,
) -> dict[WandbRunId, Inputs]:
    """Return the artifacts that each W&B run uses, and its level."""
    logged = index_logged_artifacts(scopes, outputs)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        edges[edge.consumer].append(edge)
    result: dict[WandbRunId, Inputs] = {}
    for scope in scopes:  # in the order of the graph: some tasks may have skipped a step
        own_edges = [edge for task in scope.tasks for edge in edges[task.pathspec]]
        own_inputs = _inputs_of(scope, own_edges, logged, result)
        used, losses = external_inputs.select_for(scope)
        result[scope.id] = replace(
            own_inputs,
            artifacts=tuple(sorted({*own_inputs.artifacts, *used})),
            losses=(*own_inputs.losses, *losses),
        )
    return result


def _inputs_of(
    scope: RunScope, edges: Iterable[Edge], logged: LoggedIndex, planned: dict[WandbRunId, Inputs]
) -> Inputs:
    used, losses, level = set(), set(), 0
    for edge in edges:
        producer, artifact = logged.get((edge.producer, edge.artifact), (scope, None))
        if artifact is None or producer.id == scope.id:
            continue
        if producer.id not in planned:
            reason = f"{scope.name} and {producer.name} use artifacts of each other"
            losses.add(Loss(use_item(artifact.name, scope.name), reason))
            continue
        level = max(level, planned[producer.id].level + 1)
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
    return Inputs(select_strongest(used), tuple(by_item), level)


_EVIDENCE_ORDER = tuple(
    evidence.value
    for evidence in (Evidence.READ, Evidence.FOREACH_INPUT, Evidence.PARAMETER, Evidence.AVAILABLE)
)


def select_strongest(used: Iterable[InputArtifact]) -> tuple[InputArtifact, ...]:
    """Return one input per W&B artifact, the one with the strongest evidence."""
    best: dict[tuple[WandbRunId, str], InputArtifact] = {}
    for artifact in sorted(used, key=lambda artifact: _EVIDENCE_ORDER.index(artifact.ground)):
        best.setdefault((artifact.producer, artifact.name), artifact)
    return tuple(sorted(best.values()))
