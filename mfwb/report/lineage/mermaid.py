"""Lineage as a Mermaid chart: a node per step, the artifacts on the arrows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mfwb.lineage import Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.format import count
from mfwb.report.lineage.steps import StepView, Used, views_of
from mfwb.safe_text import one_line
from mfwb.snapshot import TaskState
from mfwb.snapshot.pathspec import PARAMETERS, flow_run_of

__all__ = ["to_mermaid"]

_MANY = 8
"""If an arrow has more artifacts, the rest is counted rather than named."""

_LONGEST_NAME = 200  # letters

_PLAIN = frozenset(" _-.,/")
"""Characters beside letters and digits that have no meaning in Mermaid's quotes, nor in HTML. A
`%%{` would be a directive anywhere, a backtick begins Markdown, a colon may name an icon."""


def to_mermaid(traced: TracedFlowRun, *, artifact: str | None = None) -> str:
    """Return a flowchart.

    Arrows with a label are artifacts; dotted ones were available, and perhaps not read. A dotted
    arrow without a label leads to the next step. Artifacts that no step read hang on the step that
    made them.

    Args:
        traced: a flow run and its lineage.
        artifact: name of the only artifact to show; None: show all.
    """
    views = views_of(traced)
    used_by_step = {
        view.name: [used for used in view.used if artifact in (None, used.name)] for view in views
    }
    ids = {view.name: f"step{number}" for number, view in enumerate(views, start=1)}
    ids[PARAMETERS] = "parameters"
    lines = [
        *_nodes(views, ids, used_by_step),
        *_arrows(views, ids, used_by_step),
        *_unread(views, ids, artifact),
        *_external_flow_runs(views, ids, artifact),
        *_failures(views, ids),
    ]
    title = _escaped(traced.flow_run.pathspec)
    return "".join(
        f"{line}\n" for line in (f"%% {title}", "flowchart TD", *(f"    {line}" for line in lines))
    )


def _nodes(
    views: Iterable[StepView], ids: dict[str, str], used: dict[str, list[Used]]
) -> Iterator[str]:
    if any(use.step == PARAMETERS for some in used.values() for use in some):
        yield f'{ids[PARAMETERS]}[/"parameters"/]'
    for view in views:
        label, failed = _escaped(view.name), _failed_label(view)
        if view.rounds > 1:
            yield f'{ids[view.name]}["{label} x {count(view.rounds, "round")}{failed}"]'
        elif len(view.tasks) > 1:
            yield f'{ids[view.name]}[["{label} x {len(view.tasks)}{failed}"]]'
        else:
            yield f'{ids[view.name]}["{label}{failed}"]'


def _arrows(
    views: Iterable[StepView], ids: dict[str, str], used: dict[str, list[Used]]
) -> Iterator[str]:
    for view in views:
        groups: dict[tuple[str, bool], list[str]] = {}
        for use in used[view.name]:
            names = groups.setdefault((use.step, use.evidence is Evidence.AVAILABLE), [])
            names.append(use.name)
        for (maker, dotted), names in groups.items():
            arrow = "-.->" if dotted else "-->"
            label = _label(list(dict.fromkeys(names)))
            yield f'{ids[maker]} {arrow}|"{label}"| {ids[view.name]}'
        for step, _ in view.before:
            yield f"{ids[step]} -.-> {ids[view.name]}"


def _unread(views: Sequence[StepView], ids: dict[str, str], artifact: str | None) -> Iterator[str]:
    """Yield a node for each step with artifacts that no step read, nor could have read."""
    read = {(used.step, used.name) for view in views for used in view.used}
    numbers: list[str] = []
    for view in views:
        names = [
            made.name
            for made in view.made
            if (view.name, made.name) not in read and artifact in (None, made.name)
        ]
        if names:
            numbers.append(f"unread{len(numbers) + 1}")
            yield f'{ids[view.name]} --- {numbers[-1]}(["{_label(names)}"])'
    if numbers:
        yield "classDef unread stroke-dasharray:4 3,fill-opacity:0"
        yield f"class {','.join(numbers)} unread"


def _external_flow_runs(
    views: Iterable[StepView], ids: dict[str, str], artifact: str | None
) -> Iterator[str]:
    """Yield nodes for other flow runs, and arrows from them."""
    others: dict[str, str] = {}
    for view in views:
        groups: dict[str, set[str]] = {}
        for use in view.external_uses:
            if artifact in (None, use.edge.artifact):
                other = flow_run_of(use.edge.producer)
                groups.setdefault(other, set()).add(use.edge.artifact)
        for other, names in sorted(groups.items()):
            if other not in others:
                others[other] = f"outside{len(others) + 1}"
                yield f'{others[other]}[("{_escaped(other)}")]'
            yield f'{others[other]} -->|"{_label(sorted(names))}"| {ids[view.name]}'


def _label(names: Sequence[str]) -> str:
    shown = names if len(names) <= _MANY else names[: _MANY - 1]
    rest = [f"and {len(names) - len(shown):,} more"] if len(shown) < len(names) else []
    return "<br>".join([*map(_escaped, shown), *rest])


def _failed_label(view: StepView) -> str:
    """Return `<br>2 failed`: a color alone says nothing to some readers."""
    failed = sum(task.state is TaskState.FAILED for task in view.tasks)
    if not failed:
        return ""
    return f"<br>{failed:,} failed" if len(view.tasks) > 1 else "<br>failed"


def _failures(views: Iterable[StepView], ids: dict[str, str]) -> Iterator[str]:
    failed = [
        ids[view.name]
        for view in views
        if any(task.state is TaskState.FAILED for task in view.tasks)
    ]
    if failed:
        yield "classDef failed stroke:#c00,stroke-width:3px,color:#c00"
        yield f"class {','.join(failed)} failed"


def _escaped(text: str) -> str:
    """Return a text that Mermaid shows unchanged: characters with a meaning become numbers."""
    return "".join(
        letter if letter.isalnum() or letter in _PLAIN else f"#{ord(letter)};"
        for letter in one_line(text, _LONGEST_NAME)
    )
