"""Views of steps: the facts and the lineage of each step, for all its tasks together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mfwb.lineage import Edge, Evidence, ExternalUse, Lineage
from mfwb.lineage.static_analysis import ExternalRead
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.lineage.held_artifacts import assigned_again, passed_on, written
from mfwb.snapshot import ArtifactRef, FlowRun, GraphStep, Step, Task
from mfwb.snapshot.pathspec import PARAMETERS, step_of

__all__ = ["Made", "StepView", "Used", "views_of"]


@dataclass(frozen=True, slots=True)
class Used:
    """An artifact that tasks of a step used, from one producing step, with one kind of evidence."""

    name: str
    step: str  # the step that made it; `_parameters` for a parameter
    producers: frozenset[str]  # tasks of that step
    consumers: frozenset[str]
    evidence: Evidence
    has_own_producers: bool  # there are several producers, and each consumer used one of its own


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact that tasks of a step wrote."""

    name: str
    refs: tuple[ArtifactRef, ...]
    tasks: tuple[Task, ...]  # in the order of refs
    changed: bool  # each task had a parent with an artifact of that name

    @property
    def is_same(self) -> bool:
        """Whether several tasks wrote the same content."""
        return len(self.refs) > 1 and len({ref.sha1 for ref in self.refs}) == 1


@dataclass(frozen=True, slots=True)
class StepView:
    """One step that ran.

    Attributes:
        step: the facts of the step.
        before: the steps before it, except itself, each with its number of tasks.
        joins: whether a task has several parents.
        over: the artifact that a foreach iterated over to make its tasks.
        chose: for a switch: its condition, and the steps that it took.
        inside: the step that fanned out around it.
        used: used artifacts, sorted by the step that made them.
        made: made artifacts, by name.
        assigned_again: names, and how many tasks assigned them again with an equal value.
        passed_on: names, and how many tasks pass them on.
        externals: reads from other flow runs, as its code has them.
        external_uses: the producers of these reads, as far as they are known.
        unread: why the other reads could not be resolved.
        doubts: why its reads are not known.
        known: whether the reads of all its tasks are known.
    """

    step: Step
    before: tuple[tuple[str, int], ...]
    joins: bool
    over: str | None
    chose: tuple[str, tuple[str, ...]] | None
    inside: str | None
    used: tuple[Used, ...]
    made: tuple[Made, ...]
    assigned_again: tuple[tuple[str, int], ...]
    passed_on: tuple[tuple[str, int], ...]
    externals: tuple[ExternalRead, ...]
    external_uses: tuple[ExternalUse, ...]
    unread: Mapping[ExternalRead, str]
    doubts: tuple[str, ...]
    known: bool

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Its tasks."""
        return self.step.tasks

    @property
    def rounds(self) -> int:
        """How often a recursive step ran; 0 if it is not recursive."""
        return len({task.rounds for task in self.tasks if task.rounds})


def views_of(traced: TracedFlowRun) -> tuple[StepView, ...]:
    """Return the steps that ran, in the order of the graph."""
    builder = _ViewBuilder(traced.flow_run, traced.lineage)
    return tuple(builder.view(step) for step in traced.flow_run.steps if step.tasks)


class _ViewBuilder:
    def __init__(self, flow_run: FlowRun, lineage: Lineage) -> None:
        self._flow_run = flow_run
        self._lineage = lineage
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        self._graph = {graph_step.name: graph_step for graph_step in flow_run.graph}

    def view(self, step: Step) -> StepView:
        """Return the view of a step."""
        lineage = self._lineage
        parents = [lineage.parents[task.pathspec] for task in step.tasks]
        return StepView(
            step=step,
            before=self._before(step, parents),
            joins=any(len(some) > 1 for some in parents),
            over=_over(step),
            chose=_chose(step, self._graph.get(step.name)),
            inside=self._inside(step),
            used=self._used(step),
            made=self._made(step),
            assigned_again=self._counted(step, assigned_again),
            passed_on=self._counted(step, passed_on),
            externals=lineage.external_reads_of(step.tasks),
            external_uses=tuple(
                use for use in lineage.external_uses if step_of(use.edge.consumer) == step.name
            ),
            unread=lineage.unread,
            doubts=lineage.doubts.get(step.name, ()),
            known=all(lineage.reads.get(task.pathspec) is not None for task in step.tasks),
        )

    def _before(
        self, step: Step, parents: Iterable[tuple[str, ...]]
    ) -> tuple[tuple[str, int], ...]:
        tasks = dict.fromkeys(parent for some in parents for parent in some)
        by_step = defaultdict(list)
        for pathspec in tasks:
            by_step[step_of(pathspec)].append(pathspec)
        by_step.pop(step.name, None)
        return tuple((name, len(pathspecs)) for name, pathspecs in by_step.items())

    def _inside(self, step: Step) -> str | None:
        frames = step.tasks[0].foreach
        return self._splitters.get(frames[-1].step) if frames else None

    @cached_property
    def _splitters(self) -> dict[str, str]:
        """The steps that fanned out, by the first step inside the foreach."""
        return {
            task.step: step_of(parent)
            for task in self._flow_run.tasks
            if task.foreach and task.foreach[-1].step == task.step
            for parent in self._lineage.parents[task.pathspec]
            if len(self._tasks[parent].foreach) < len(task.foreach)
        }

    @cached_property
    def _edges(self) -> dict[str, list[Edge]]:
        edges = defaultdict(list)
        for edge in self._lineage.edges:
            edges[step_of(edge.consumer)].append(edge)
        return edges

    @cached_property
    def _positions(self) -> dict[str, int]:
        """The positions of steps in the graph; the parameters come last."""
        names = [*(step.name for step in self._flow_run.steps), PARAMETERS]
        return {name: position for position, name in enumerate(names)}

    def _used(self, step: Step) -> tuple[Used, ...]:
        groups: dict[tuple[int, str, str, Evidence], list[Edge]] = defaultdict(list)
        for edge in self._edges.get(step.name, ()):
            maker = step_of(edge.producer)
            groups[self._positions[maker], maker, edge.artifact, edge.evidence].append(edge)
        return tuple(
            _used_of(name, maker, evidence, edges)
            for (_, maker, name, evidence), edges in sorted(groups.items())
        )

    def _made(self, step: Step) -> tuple[Made, ...]:
        by_name: dict[str, list[tuple[ArtifactRef, Task]]] = defaultdict(list)
        for task in step.tasks:
            for ref in written(task, self._lineage):
                by_name[ref.name].append((ref, task))
        return tuple(
            Made(
                name,
                tuple(ref for ref, _ in pairs),
                tuple(task for _, task in pairs),
                all(self._had(task, name) for _, task in pairs),
            )
            for name, pairs in sorted(by_name.items())
        )

    def _had(self, task: Task, name: str) -> bool:
        return any(
            self._tasks[parent].artifact(name) is not None
            for parent in self._lineage.parents[task.pathspec]
        )

    def _counted(
        self, step: Step, names_of: Callable[[Task, Lineage], Iterable[str]]
    ) -> tuple[tuple[str, int], ...]:
        """Return the names that tasks of a step have, each with the number of tasks, sorted."""
        counts: Counter[str] = Counter()
        for task in step.tasks:
            counts.update(names_of(task, self._lineage))
        return tuple(sorted(counts.items()))


def _over(step: Step) -> str | None:
    frames = step.tasks[0].foreach
    return frames[-1].var if frames and frames[-1].step == step.name else None


def _chose(step: Step, graph: GraphStep | None) -> tuple[str, tuple[str, ...]] | None:
    if graph is None or graph.condition is None:
        return None
    taken = dict.fromkeys(
        name for task in step.tasks if task.transition for name in task.transition.steps
    )
    return (graph.condition, tuple(taken)) if taken else None


def _used_of(name: str, maker: str, evidence: Evidence, edges: Sequence[Edge]) -> Used:
    producers = frozenset(edge.producer for edge in edges)
    consumers = frozenset(edge.consumer for edge in edges)
    pairs = {(edge.consumer, edge.producer) for edge in edges}
    has_own_producers = len(producers) > 1 and len(pairs) == len(consumers)
    return Used(name, maker, producers, consumers, evidence, has_own_producers)
