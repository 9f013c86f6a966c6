"""The life of one artifact: its versions, from birth to the last reader."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.errors import UsageError
from mfwb.lineage import Edge, Lineage
from mfwb.lineage.producers import HeldArtifact, trace_holdings
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.snapshot import ArtifactRef, Parameter
from mfwb.snapshot.pathspec import parameters_of, step_of
from mfwb.suggestions import did_you_mean

__all__ = ["Life", "Version", "life_of"]


@dataclass(frozen=True, slots=True)
class Version:
    """What one task wrote under the name, and what became of it.

    Attributes:
        producer: the task; or Flow/123/_parameters.
        ref: the artifact.
        changes: producers of the versions that its task had been handed; empty: it is new.
        passed_on: tasks that handed it on as it is, parents first.
        assigned_again: tasks that assigned it anew, and it came out equal, parents first.
        uses: edges to those who used it, in the order in which tasks ran.
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
class Life:
    """All versions of an artifact, by the order in which tasks ran."""

    name: str
    versions: tuple[Version, ...]
    last_user: str | None  # the last task to use any of them
    parameter: Parameter | None  # if it is one


def life_of(name: str, traced: TracedFlowRun) -> Life:
    """Return the life of an artifact or a parameter; UsageError if there is none of that name."""
    flow_run, lineage = traced.flow_run, traced.lineage
    parameter = next((one for one in flow_run.parameters if one.name == name), None)
    writers = _writers(name, traced)
    refs = {held.producer: held.ref for held in writers.values()}
    if parameter is not None:
        refs = {parameters_of(flow_run.pathspec): parameter.ref, **refs}
    if not refs:
        raise UsageError(_unknown(name, traced))
    uses = _uses(name, lineage)
    last = uses[-1].consumer if uses else None
    kept = {task: held for task, held in writers.items() if held.producer != task}
    again = {task for task in kept if name in lineage.equal_values(task).assigned}
    return Life(
        name=name,
        versions=tuple(
            Version(
                producer=producer,
                ref=ref,
                changes=_handed_to(producer, writers, lineage),
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
    """Return for each task that holds the artifact who wrote it, parents first."""
    tasks = {task.pathspec: task for task in traced.flow_run.tasks}
    order = [tasks[pathspec] for pathspec in traced.lineage.order]
    holdings = trace_holdings(order, traced.lineage.parents)
    return {task: held[name] for task, held in holdings.items() if name in held}


def _handed_to(
    producer: str, writers: dict[str, HeldArtifact], lineage: Lineage
) -> tuple[str, ...]:
    parents = lineage.parents.get(producer, ())  # parameters have none
    return tuple(dict.fromkeys(writers[one].producer for one in parents if one in writers))


def _uses(name: str, lineage: Lineage) -> list[Edge]:
    """Return the edges of an artifact in the order in which tasks ran."""
    places = {pathspec: place for place, pathspec in enumerate(lineage.order)}
    edges = (edge for edge in lineage.edges if edge.artifact == name)
    return sorted(edges, key=lambda edge: places[edge.consumer])


def _unknown(name: str, traced: TracedFlowRun) -> str:
    flow_run = traced.flow_run
    names = {ref.name for task in flow_run.tasks for ref in task.artifacts}
    names.update(one.name for one in flow_run.parameters)
    return f"{flow_run.pathspec} has no artifact {name!r}{did_you_mean(name, names)}"
