"""The graph of a page: steps, their artifacts, and which step used which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mfwb.lineage import Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.planning.run_metadata import seconds_between, span_of
from mfwb.report.format import count
from mfwb.report.html.graph_layout import Box, draw_graph
from mfwb.report.html.model import Fact, Graph, Link, Node
from mfwb.report.html.texts import duration, moment, name_text
from mfwb.report.lineage.phrases import TIMES, join_names, size_of, type_of
from mfwb.report.lineage.steps import Made, StepView, views_of
from mfwb.snapshot import Task, TaskState
from mfwb.snapshot.pathspec import PARAMETERS, flow_run_of

__all__ = [
    "STATE_ORDER",
    "LineDraft",
    "NodeDraft",
    "NodeKey",
    "build_graph",
    "draw_drafts",
    "worst_state",
]

STATE_ORDER = (TaskState.FAILED, TaskState.UNFINISHED, TaskState.CAUGHT, TaskState.OK)

_STEP_HEIGHT, _ARTIFACT_HEIGHT = 46.0, 26.0
_LETTER, _PADDING = 7.2, 24.0  # of a label
_MAX_LABEL = 30  # letters
_UNUSED_SHOWN = 12  # artifacts of a step without a reader; the others are one node
_FACT_NAMES = 12
_NODES, _FEWEST_SHOWN = 400, 4  # artifacts of a graph, and of a step; the others are one node


def worst_state(tasks: Iterable[Task]) -> str:
    """Return the worst state of some tasks."""
    states = {task.state for task in tasks}
    return next((state.value for state in STATE_ORDER if state in states), TaskState.OK.value)


@dataclass(slots=True)
class NodeDraft:
    """A node before the layout."""

    kind: str
    name: str
    detail: str = ""
    state: str = ""
    column: int = 0
    facts: list[Fact] = field(default_factory=list)
    anchor: str = ""


NodeKey = tuple[str, str]
"""The kind of a node and the step; of an artifact, the step that made it and its name."""

LineDraft = tuple[NodeKey, NodeKey, str, str]
"""The two ends of a line, its kind and its title."""


def build_graph(
    traced: TracedFlowRun, anchors: Mapping[tuple[str, str], str], prefix: str
) -> Graph:
    """Return the graph of a flow run.

    Args:
        traced: the flow run and its lineage.
        anchors: the ids in the page of the sections of artifacts, by step and name.
        prefix: of the ids of the sections of steps.
    """
    return _Builder(traced, anchors, prefix).build()


class _Builder:
    def __init__(
        self, traced: TracedFlowRun, anchors: Mapping[tuple[str, str], str], prefix: str
    ) -> None:
        self._views = views_of(traced)
        self._parameters = traced.flow_run.parameters
        self._anchors = anchors
        self._prefix = prefix
        self._made = {view.name: {made.name: made for made in view.made} for view in self._views}
        self._readers: defaultdict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
        for view in self._views:
            for used in view.used:
                is_sure = used.evidence is not Evidence.AVAILABLE
                readers = self._readers[used.step, used.name]
                readers[view.name] = readers.get(view.name, False) or is_sure
        self._drafts: dict[NodeKey, NodeDraft] = {}
        self._lines: list[LineDraft] = []

    def build(self) -> Graph:
        """Return the graph."""
        columns = self._columns()
        self._add_parameters()
        for view in self._views:
            self._add_step(view, columns[view.name])
        for view in self._views:
            self._add_artifacts(view, columns[view.name] + 1)
        for view in self._views:
            self._add_other_flow_runs(view, columns[view.name])
            for step, _ in view.before:
                self._lines.append((("step", step), ("step", view.name), "next", ""))
        return self._draw()

    def _columns(self) -> dict[str, int]:
        """Return the column of each step: behind all steps before it, with a column between."""
        first = 1 if self._has_readers_of_parameters or self._externals else 0
        columns: dict[str, int] = {}
        for view in self._views:
            before = [columns[step] for step, _ in view.before if step in columns]
            columns[view.name] = max(before) + 2 if before else first
        return columns

    @property
    def _has_readers_of_parameters(self) -> bool:
        return any(step == PARAMETERS for step, _ in self._readers)

    @property
    def _externals(self) -> bool:
        return any(view.external_uses for view in self._views)

    def _add_parameters(self) -> None:
        used: defaultdict[str, list[str]] = defaultdict(list)
        for (step, name), readers in self._readers.items():
            if step == PARAMETERS:
                for reader in readers:
                    used[reader].append(name)
        if not used:
            return
        names = sorted({name for some in used.values() for name in some})
        facts = [Fact("used", ", ".join(name_text(name) for name in names))]
        key = ("parameters", "")
        detail = join_names([name_text(name, 20) for name in names], 2)
        self._drafts[key] = NodeDraft("parameters", "parameters", detail, facts=facts)
        for reader, some in used.items():
            title = f"{_join(some)} used by {name_text(reader)}"
            self._lines.append((key, ("step", reader), "used", title))

    def _add_step(self, view: StepView, column: int) -> None:
        self._drafts["step", view.name] = NodeDraft(
            "step",
            _step_name(view),
            _step_detail(view),
            worst_state(view.tasks),
            column,
            self._step_facts(view),
            f"{self._prefix}tasks",
        )

    def _step_facts(self, view: StepView) -> list[Fact]:
        states = Counter(task.state.value for task in view.tasks)
        began, ended = span_of(view.tasks)
        used = [name_text(used.name) for used in view.used]
        facts = [
            Fact("type", name_text(view.step.type or "")),
            Fact("tasks", ", ".join(f"{number:,} {state}" for state, number in states.items())),
            Fact("began", moment(began)),
            Fact("took", duration(seconds_between(began, ended))),
            Fact("after", _join([step for step, _ in view.before])),
            Fact("for each of", name_text(view.over or "")),
            Fact("used", _join(list(dict.fromkeys(used)))),
            Fact("made", _join([made.name for made in view.made])),
            Fact("passed on", _join([name for name, _ in view.passed_on])),
            Fact("not certain", name_text("; ".join(view.doubts))),
            Fact("what it does", name_text(view.step.doc)),
        ]
        for task in view.tasks:
            if task.failure is not None:
                what = f"{task.failure.type.removeprefix('builtins.')}: {task.failure.message}"
                facts.insert(0, Fact("failed", name_text(what)))
                break
        return [fact for fact in facts if fact.text]

    def _add_artifacts(self, view: StepView, column: int) -> None:
        names = list(
            dict.fromkeys(
                [
                    *self._made[view.name],
                    *(name for step, name in self._readers if step == view.name),
                ]
            )
        )
        used = [name for name in names if self._readers.get((view.name, name))]
        unused = [name for name in names if not self._readers.get((view.name, name))]
        room = max(_FEWEST_SHOWN, _NODES // len(self._views))
        for name in (*used[:room], *self._unfolded(unused)):
            self._add_artifact(view, name, column)
        self._add_folded(view, used[room:], column)
        self._add_folded(view, unused[len(self._unfolded(unused)) :], column)

    @staticmethod
    def _unfolded(unused: Sequence[str]) -> Sequence[str]:
        return unused if len(unused) <= _UNUSED_SHOWN + 1 else unused[:_UNUSED_SHOWN]

    def _add_folded(self, view: StepView, names: Sequence[str], column: int) -> None:
        """Add one node for artifacts that are too many."""
        if not names:
            return
        readers: dict[str, bool] = {}
        for name in names:
            for reader, is_sure in self._readers.get((view.name, name), {}).items():
                readers[reader] = readers.get(reader, False) or is_sure
        key = (view.name, " used" if readers else " unused")
        label = f"{len(names):,} more" if readers else f"{len(names):,} more, not used"
        facts = [
            Fact("made by", name_text(view.name)),
            Fact("names", _join(names)),
            Fact("used by", _join(list(readers)) or "no step"),
        ]
        state = "used" if readers else "unused"
        self._drafts[key] = NodeDraft("artifact", label, state=state, column=column, facts=facts)
        self._lines.append((("step", view.name), key, "made", label))
        for reader, is_sure in readers.items():
            kind = "used" if is_sure else "available"
            self._lines.append((key, ("step", reader), kind, f"{name_text(reader)}: {label}"))

    def _add_artifact(self, view: StepView, name: str, column: int) -> None:
        key = (view.name, name)
        readers = self._readers.get(key, {})
        made = self._made[view.name].get(name)
        self._drafts[key] = NodeDraft(
            "artifact",
            name_text(name),
            state="used" if readers else "unused",
            column=column,
            facts=_artifact_facts(view, made, readers),
            anchor=self._anchors.get(key, ""),
        )
        label = name_text(name)
        self._lines.append(
            (("step", view.name), key, "made", f"{name_text(view.name)} made {label}")
        )
        for reader, is_sure in readers.items():
            title = f"{name_text(reader)} {'used' if is_sure else 'could use'} {label}"
            kind = "used" if is_sure else "available"
            self._lines.append((key, ("step", reader), kind, title))

    def _add_other_flow_runs(self, view: StepView, column: int) -> None:
        by_flow_run: defaultdict[str, set[str]] = defaultdict(set)
        for use in view.external_uses:
            by_flow_run[flow_run_of(use.edge.producer)].add(use.edge.artifact)
        for pathspec, names in sorted(by_flow_run.items()):
            key = ("flow-run", pathspec)
            if key not in self._drafts:
                facts = [Fact("other flow run", name_text(pathspec))]
                self._drafts[key] = NodeDraft(
                    "flow-run", name_text(pathspec), column=max(0, column - 1), facts=facts
                )
            title = f"{_join(sorted(names))} used by {name_text(view.name)}"
            self._drafts[key].facts.append(Fact("used", title))
            self._lines.append((key, ("step", view.name), "used", title))

    def _draw(self) -> Graph:
        return draw_drafts(self._drafts, self._lines)


def draw_drafts(drafts: Mapping[NodeKey, NodeDraft], lines: Sequence[LineDraft]) -> Graph:
    """Return the drawing of nodes and of the lines between them.

    Args:
        drafts: the nodes by key, in an order that decides between equally good layouts.
        lines: between two keys, each with its kind and title; those to unknown keys are left out.
    """
    known = [line for line in lines if line[0] in drafts and line[1] in drafts]
    boxes = [Box(key, draft.column, _width(draft), _height(draft)) for key, draft in drafts.items()]
    drawing = draw_graph(boxes, [(begin, end) for begin, end, _, _ in known])
    numbers: dict[Hashable, int] = {key: number for number, key in enumerate(drafts)}
    nodes = [
        Node(
            id=numbers[box.key],
            kind=draft.kind,
            name=_shortened(draft.name),
            detail=_shortened(draft.detail),
            state=draft.state,
            x=drawing.positions[box.key].x,
            y=drawing.positions[box.key].y,
            width=box.width,
            height=box.height,
            facts=(Fact("name", draft.name), *draft.facts),
            anchor=draft.anchor,
        )
        for box, draft in zip(boxes, drafts.values(), strict=True)
    ]
    links = [
        Link(kind, path, (numbers[begin], numbers[end]), title)
        for (begin, end, kind, title), path in zip(known, drawing.paths, strict=True)
    ]
    return Graph(drawing.width, drawing.height, tuple(nodes), tuple(links))


def _step_name(view: StepView) -> str:
    name = name_text(view.name)
    if view.rounds > 1:
        return f"{name} {TIMES} {count(view.rounds, 'round')}"
    return f"{name} {TIMES} {len(view.tasks):,}" if len(view.tasks) > 1 else name


def _step_detail(view: StepView) -> str:
    states = Counter(task.state for task in view.tasks)
    bad = [
        f"{states[state]:,} {state.value}" if len(view.tasks) > 1 else state.value
        for state in STATE_ORDER[:-1]
        if states[state]
    ]
    took = duration(seconds_between(*span_of(view.tasks)))
    return ", ".join([*bad, *([took] if took else [])])


def _artifact_facts(view: StepView, made: Made | None, readers: Mapping[str, bool]) -> list[Fact]:
    facts = [Fact("made by", name_text(view.name))]
    if made is not None:
        facts += [
            Fact("type", type_of(made.refs)),
            Fact("size", size_of(made.refs)),
            Fact("tasks", f"{len(made.tasks):,} of {len(view.tasks):,}"),
        ]
    sure = [name_text(step) for step, is_sure in readers.items() if is_sure]
    unsure = [name_text(step) for step, is_sure in readers.items() if not is_sure]
    facts.append(Fact("used by", ", ".join(sure) or ("no step" if not unsure else "")))
    facts.append(Fact("perhaps used by", ", ".join(unsure)))
    return [fact for fact in facts if fact.text]


def _join(names: Sequence[str]) -> str:
    if not names:
        return ""
    return join_names([name_text(name) for name in names], _FACT_NAMES)


def _shortened(label: str) -> str:
    """Return a label without its middle if it is long: ends tell names apart, as beginnings do."""
    if len(label) <= _MAX_LABEL:
        return label
    half = (_MAX_LABEL - 1) // 2
    return f"{label[:half]}\N{HORIZONTAL ELLIPSIS}{label[-half:]}"


def _width(draft: NodeDraft) -> float:
    longest = max(len(_shortened(draft.name)), len(_shortened(draft.detail)) * 0.85)
    return round(max(longest * _LETTER, 34.0) + _PADDING)


def _height(draft: NodeDraft) -> float:
    return _STEP_HEIGHT if draft.detail or draft.kind == "step" else _ARTIFACT_HEIGHT
