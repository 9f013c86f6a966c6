"""Inputs of a W&B run: the artifacts of other W&B runs that it uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from mfwb.lineage import Edge, Evidence, Lineage
from mfwb.planning.external_inputs import ExternalInputs
from mfwb.planning.logging_runs import LoggedIndex, index_logged_artifacts
from mfwb.planning.outputs import Outputs
from mfwb.planning.picked import LoggedBy
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
    logged_by: LoggedBy,
) -> dict[WandbRunId, Inputs]:
    """Return the artifacts that each W&B run uses, and its level.

    Args:
        scopes: the W&B runs.
        lineage: the lineage of the flow run.
        outputs: what the W&B runs log.
        external_inputs: what they use of other flow runs.
        logged_by: where what tasks received is logged.
    """
    logged = index_logged_artifacts(scopes, outputs)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for consumer, own in groupby(lineage.edges, key=lambda edge: edge.consumer):  # they are sorted
        holders = _Holders(lineage, lineage.parents[consumer])
        for edge in own:
            edges[consumer] += _edges_to_versions(edge, holders, logged_by)
    for (task, name), holder in logged_by.picked.items():
        sha1 = ""  # only an edge of the plan
        edges[task].append(Edge(task, name, holder, sha1, Evidence.AVAILABLE))
    result: dict[WandbRunId, Inputs] = {}
    for siblings in _group_siblings(scopes):
        inputs: dict[WandbRunId, Inputs] = {}
        for scope in siblings:
            own_edges = [edge for task in scope.tasks for edge in edges[task.pathspec]]
            own_inputs = _inputs_of(scope, own_edges, logged, result)
            used, losses = external_inputs.select_for(scope)
            inputs[scope.id] = replace(
                own_inputs,
                artifacts=tuple(sorted({*own_inputs.artifacts, *used})),
                losses=(*own_inputs.losses, *losses),
            )
        level = max(own.level for own in inputs.values())
        result |= {run_id: replace(own, level=level) for run_id, own in inputs.items()}
    return result


def _group_siblings(scopes: Sequence[RunScope]) -> Iterator[Sequence[RunScope]]:
    """Yield the W&B runs in the order of the graph; those of the siblings of one step together.

    Siblings get one level, so that they are written in foreach order. The rounds of a recursive
    step use each other's artifacts, and are groups of their own.
    """
    for _, of_step in groupby(scopes, key=lambda scope: scope.step.name):
        by_round: dict[tuple[int, ...], list[RunScope]] = defaultdict(list)
        for scope in of_step:
            by_round[scope.tasks[0].rounds if scope.tasks else ()].append(scope)
        for rounds in sorted(by_round):
            yield by_round[rounds]


class _Holders:
    """The parents of a task by what they hand on.

    A join of a thousand siblings uses ten artifacts of each of them: to look through all parents
    for each use would take ten million looks.
    """

    def __init__(self, lineage: Lineage, parents: Iterable[str]) -> None:
        self._received: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._producers = {parent: lineage.producers.get(parent, {}) for parent in parents}
        for parent, producers in self._producers.items():
            for name, producer in producers.items():
                self._received[name, producer].append(parent)

    def of(self, edge: Edge) -> Iterator[str]:
        """Yield the parents from which the consumer of an edge has what it used."""
        yield from self._received.get((edge.artifact, edge.producer), ())
        received = self._producers.get(edge.producer)  # None: its producer is not a parent
        if received is not None and edge.artifact not in received:
            yield edge.producer


def _edges_to_versions(edge: Edge, holders: _Holders, logged_by: LoggedBy) -> Iterable[Edge]:
    """Return an edge that leads to the task whose W&B run logs exactly what was used.

    That is the task that wrote it, or one that picked it afterwards; several, if the consumer
    received it from several parents.
    """
    logging = {logged_by.task_of(holder, edge.artifact) for holder in holders.of(edge)}
    if logging <= {edge.producer}:
        return [edge]
    return [replace(edge, producer=holder) for holder in sorted(logging)]


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
