"""The history of one artifact: its versions, from the first producer to the last user."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.errors import NotFound
from mfwb.lineage import Edge, Lineage
from mfwb.lineage.producers import HeldArtifact, trace_holdings
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.snapshot import ArtifactRef, Parameter
from mfwb.snapshot.pathspec import parameters_of, step_of
from mfwb.suggestions import did_you_mean, list_some

__all__ = ["ArtifactHistory", "Version", "history_of"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version: what one task wrote under the name, and its uses.

    Attributes:
        producer: the task; or Flow/123/_parameters.
        ref: the artifact.
        changes: producers of the versions that its task inherited; empty: the artifact is new.
        passed_on: tasks that passed it on unchanged, parents first.
        assigned_again: tasks that assigned it again with an equal value, parents first.
        uses: edges to the tasks that used it, in the order in which they ran.
    """

    producer: str
    ref: ArtifactRef
    changes: tuple[str, ...]
    passed_on: tuple[str, ...]
    assigned_again: tuple[str, ...]
    uses: tuple[Edge, ...]

    @property
    def step(self) -> str:
        """The step that wrote it."""
        return step_of(self.producer)


@dataclass(frozen=True, slots=True)
class ArtifactHistory:
    """All versions of an artifact, in the order in which tasks ran."""

    name: str
    versions: tuple[Version, ...]
    last_user: str | None  # the last task that used any version
    parameter: Parameter | None  # the parameter, if it is one


def history_of(name: str, traced: TracedFlowRun) -> ArtifactHistory:
    """Return the history of an artifact or a parameter; NotFound if there is no such name."""
    flow_run, lineage = traced.flow_run, traced.lineage
    parameter = next(
        (parameter for parameter in flow_run.parameters if parameter.name == name), None
    )
    writers = _writers(name, traced)
    refs = {held.producer: held.ref for held in writers.values()}
    if parameter is not None:
        refs = {parameters_of(flow_run.pathspec): parameter.ref, **refs}
    if not refs:
        raise NotFound(_unknown(name, traced))
    uses = _uses(name, lineage)
    last = uses[-1].consumer if uses else None
    kept = {task: held for task, held in writers.items() if held.producer != task}
    again = {task for task in kept if name in lineage.equal_values(task).assigned}
    return ArtifactHistory(
        name=name,
        versions=tuple(
            Version(
                producer=producer,
                ref=ref,
                changes=_inherited_producers(producer, writers, lineage),
                passed_on=tuple(
                    task
                    for task, held in kept.items()
                    if held.producer == producer and task not in again
                ),
                assigned_again=tuple(
                    task
                    for task, held in kept.items()
                    if held.producer == producer and task in again
                ),
                uses=tuple(edge for edge in uses if edge.producer == producer),
            )
            for producer, ref in refs.items()
        ),
        last_user=last,
        parameter=parameter,
    )


def _writers(name: str, traced: TracedFlowRun) -> dict[str, HeldArtifact]:
    """Return, for each task that has the artifact, the task that wrote it, parents first."""
    tasks = {task.pathspec: task for task in traced.flow_run.tasks}
    order = [tasks[pathspec] for pathspec in traced.lineage.order]
    holdings = trace_holdings(order, traced.lineage.parents)
    return {task: held[name] for task, held in holdings.items() if name in held}


def _inherited_producers(
    producer: str, writers: dict[str, HeldArtifact], lineage: Lineage
) -> tuple[str, ...]:
    parents = lineage.parents.get(producer, ())  # parameters have none
    return tuple(dict.fromkeys(writers[parent].producer for parent in parents if parent in writers))


def _uses(name: str, lineage: Lineage) -> list[Edge]:
    """Return the edges of an artifact in the order in which tasks ran."""
    positions = {pathspec: position for position, pathspec in enumerate(lineage.order)}
    edges = (edge for edge in lineage.edges if edge.artifact == name)
    return sorted(edges, key=lambda edge: positions[edge.consumer])


def _unknown(name: str, traced: TracedFlowRun) -> str:
    flow_run = traced.flow_run
    names = {ref.name for task in flow_run.tasks for ref in task.artifacts}
    names.update(parameter.name for parameter in flow_run.parameters)
    hint = did_you_mean(name, names) or list_some("it has", sorted(names))
    return f"{flow_run.pathspec} has no artifact {name!r}{hint}"
