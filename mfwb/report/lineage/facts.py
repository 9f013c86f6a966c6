"""What stands below the headline of a step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from mfwb.lineage import Evidence
from mfwb.lineage.static_analysis import ExternalRead
from mfwb.report.lineage.layout import Fact
from mfwb.report.lineage.phrases import listed, short, size_of, some_of, type_of
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import Made, StepView, Used
from mfwb.safe_text import one_line
from mfwb.snapshot import Task, TaskState
from mfwb.snapshot.pathspec import PARAMETERS, flow_run_of, owner_and_name

__all__ = ["facts_of"]

_FEW = 3
_ASSIGNED = "assigned"
_WIDEST_PRODUCERS = 30
"""What is said of producers is aligned behind them, unless they take more room than that."""


def facts_of(view: StepView, sizes: dict[str, int], reasons: Reasons | None) -> list[Fact]:
    """Return the lines of a step.

    Args:
        view: the step.
        sizes: the number of tasks of every step.
        reasons: what explains each use; None: nobody asked.
    """
    return [
        *_troubles(view),
        *_used(view, sizes, reasons),
        *(_external(one, view) for one in view.externals),
        *(_made(one, view) for one in view.made),
        *_counted(_ASSIGNED, view.assigned_again, view),
        *_counted("passed on", view.passed_on, view),
    ]


# --- how it went ----------------------------------------------------------------------------


def _troubles(view: StepView) -> Iterator[Fact]:
    for state, style in ((TaskState.FAILED, "red"), (TaskState.CAUGHT, "yellow")):
        tasks = [task for task in view.tasks if task.state is state]
        for task in tasks[:_FEW]:
            yield Fact(state.value, Text(_failure(task, alone=len(view.tasks) == 1), style=style))
        if len(tasks) > _FEW:
            yield Fact(state.value, Text(f"and {len(tasks) - _FEW:,} more", style=style))
    origins = [task.origin for task in view.tasks if task.origin]
    if origins:
        yield Fact("cloned", Text(_clones(origins, len(view.tasks)), style="dim"))


def _failure(task: Task, *, alone: bool) -> str:
    failure = task.failure
    if failure is None:
        what = "it did not say why"
    else:
        what = f"{failure.type.removeprefix('builtins.')}: {failure.message}"
    return one_line(what if alone else f"{short(task.pathspec)}: {what}")


def _clones(origins: Sequence[str], total: int) -> str:
    number = "" if len(origins) == total else f"{len(origins):,} of {total:,} tasks "
    runs = dict.fromkeys(flow_run_of(origin) for origin in origins)
    return f"{number}from {listed([one_line(one) for one in runs])}"


# --- what it used ---------------------------------------------------------------------------


def _used(view: StepView, sizes: dict[str, int], reasons: Reasons | None) -> Iterator[Fact]:
    """Yield a line for all artifacts of which the same is to be said."""

    def said(used: Used) -> tuple[str, str, str]:
        ground = _ground(used)
        if reasons is not None and used.ground is not Evidence.AVAILABLE:  # that is told once
            ground = reasons.why(view.name, used.name, used.ground)
        return _producers(used, view, sizes), _consumers(used, view), ground

    lines: dict[tuple[str, str, str], list[Used]] = defaultdict(list)
    for one in view.used:
        lines[said(one)].append(one)
    noted = [producers for producers, *notes in lines if any(notes)]
    width = min(max(map(cell_len, noted), default=0), _WIDEST_PRODUCERS)
    for (producers, *notes), members in lines.items():
        note = ", ".join(filter(None, notes))
        available = members[0].ground is Evidence.AVAILABLE  # and so are the others
        yield Fact(
            "used",
            Text(
                ", ".join(one_line(one.name) for one in members), style="dim" if available else ""
            ),
            _said(f"{producers:<{width}}" if note else producers, note),
        )
    if reasons is not None and any(one.ground is Evidence.AVAILABLE for one in view.used):
        yield Fact("available", Text(reasons.unknown(view.name), style="yellow"))


def _ground(used: Used) -> str:
    """Return what is to be said of a ground; that something is read is what one expects."""
    return {
        Evidence.AVAILABLE: "available",
        Evidence.FOREACH_INPUT: "an item each",
        Evidence.PARAMETER: "",
        Evidence.READ: "",
    }[used.ground]


def _producers(used: Used, view: StepView, sizes: dict[str, int]) -> str:
    if used.step == PARAMETERS:
        return "parameters"
    if used.step == view.name:
        return f"{one_line(used.step)}, an earlier round"
    total = sizes[used.step]
    if used.one_each:
        return f"{one_line(used.step)}, each from its own"
    return some_of(used.producers, used.step, total)


def _consumers(used: Used, view: StepView) -> str:
    """Return who used it, unless all tasks did."""
    if len(used.consumers) == len(view.tasks):
        return ""
    if len(used.consumers) == 1:
        return f"by {short(next(iter(used.consumers)))}"
    return f"by {len(used.consumers):,} of {len(view.tasks):,} tasks"


def _external(external: ExternalRead, view: StepView) -> Fact:
    holder, last = owner_and_name(external.pathspec)
    name, where = external.artifact, external.pathspec
    if external.kind == "artifact":
        name, where = last, holder
    if external.kind == "trigger":
        where = "the flow run that triggered this one"
    if external in view.unread:
        what = Text(one_line(name or "something"), style="yellow")
        return Fact("lost", what, _said(one_line(where), view.unread[external]))
    makers = {use.edge.producer for use in view.outside if use.read == external}
    source = listed(sorted(map(one_line, makers))) if makers else one_line(where)
    return Fact("used", Text(one_line(name or "something")), _said(source, "another flow run"))


def _said(producers: str, note: str) -> Text:
    text = Text.assemble(("\N{LEFTWARDS ARROW} ", "dim"), producers)
    return text.append(f"  {note}", style="dim") if note else text


# --- what it made ---------------------------------------------------------------------------


def _made(made: Made, view: StepView) -> Fact:
    notes = []
    if made.changed:
        notes.append("changed")
    if len(made.tasks) == 1 and len(view.tasks) > 1:
        notes.append(f"by {short(made.tasks[0].pathspec)}")
    elif len(made.tasks) < len(view.tasks):
        notes.append(f"by {len(made.tasks):,} of {len(view.tasks):,} tasks")
    if made.is_same:
        notes.append("the same content")
    said = Text.assemble(type_of(made.refs), (f"  {size_of(made.refs)}", "dim"))
    if notes:
        said.append(f"  {', '.join(notes)}", style="dim")
    return Fact("made", Text(one_line(made.name), style="green"), said)


# --- what it holds as it got it -------------------------------------------------------------


def _counted(label: str, counts: Sequence[tuple[str, int]], view: StepView) -> Iterator[Fact]:
    if not counts:
        return
    total = len(view.tasks)
    names = [
        one_line(name) if number == total else f"{one_line(name)} ({number:,} of {total:,} tasks)"
        for name, number in counts
    ]
    said = Text("equal to what it got", style="dim") if label == _ASSIGNED else None
    yield Fact(label, Text(", ".join(names), style="dim"), said)
