"""The lines below the headline of a step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from mfwb.lineage import Evidence
from mfwb.lineage.static_analysis import ExternalRead
from mfwb.report.lineage.layout import Fact
from mfwb.report.lineage.phrases import join_names, name_tasks, size_of, task_name, type_of
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import Made, StepView, Used
from mfwb.safe_text import one_line
from mfwb.snapshot import Task, TaskState
from mfwb.snapshot.pathspec import PARAMETERS, flow_run_of, owner_and_name

__all__ = ["facts_of"]

_FEW = 3
_ASSIGNED = "assigned"
_WIDEST_PRODUCERS = 30
"""Notes on producers are aligned behind them, unless the producers are wider than this."""


def facts_of(view: StepView, sizes: dict[str, int], reasons: Reasons | None) -> list[Fact]:
    """Return the lines of a step.

    Args:
        view: the step.
        sizes: the number of tasks of every step.
        reasons: explains the evidence of each use; None: not requested.
    """
    return [
        *_failures(view),
        *_used(view, sizes, reasons),
        *(_external(external, view) for external in view.externals),
        *(_made(made, view) for made in view.made),
        *_counted(_ASSIGNED, view.assigned_again, view),
        *_counted("passed on", view.passed_on, view),
    ]


# --- failures and clones --------------------------------------------------------------------


def _failures(view: StepView) -> Iterator[Fact]:
    for state, style in ((TaskState.FAILED, "red"), (TaskState.CAUGHT, "yellow")):
        tasks = [task for task in view.tasks if task.state is state]
        for task in tasks[:_FEW]:
            yield Fact(
                state.value, Text(_describe_failure(task, alone=len(view.tasks) == 1), style=style)
            )
        if len(tasks) > _FEW:
            yield Fact(state.value, Text(f"and {len(tasks) - _FEW:,} more", style=style))
    origins = [task.origin for task in view.tasks if task.origin]
    if origins:
        yield Fact("cloned", Text(_describe_clones(origins, len(view.tasks)), style="dim"))


def _describe_failure(task: Task, *, alone: bool) -> str:
    failure = task.failure
    if failure is None:
        what = "no reason was recorded"
    else:
        what = f"{failure.type.removeprefix('builtins.')}: {failure.message}"
    return one_line(what if alone else f"{task_name(task.pathspec)}: {what}")


def _describe_clones(origins: Sequence[str], total: int) -> str:
    number = "" if len(origins) == total else f"{len(origins):,} of {total:,} tasks "
    runs = dict.fromkeys(flow_run_of(origin) for origin in origins)
    return f"{number}from {join_names([one_line(run) for run in runs])}"


# --- used artifacts -------------------------------------------------------------------------


def _used(view: StepView, sizes: dict[str, int], reasons: Reasons | None) -> Iterator[Fact]:
    """Yield one line for all used artifacts that have the same producers, consumers and notes."""

    def line_key(used: Used) -> tuple[str, str, str]:
        note = _evidence_note(used)
        if reasons is not None and used.evidence is not Evidence.AVAILABLE:  # that is reported once
            note = reasons.why(view.name, used.name, used.evidence)
        return _producers(used, view, sizes), _consumers(used, view), note

    lines: dict[tuple[str, str, str], list[Used]] = defaultdict(list)
    for used in view.used:
        lines[line_key(used)].append(used)
    noted = [producers for producers, *notes in lines if any(notes)]
    width = min(max(map(cell_len, noted), default=0), _WIDEST_PRODUCERS)
    for (producers, *notes), members in lines.items():
        note = ", ".join(filter(None, notes))
        available = members[0].evidence is Evidence.AVAILABLE  # and so are the others
        yield Fact(
            "used",
            Text(
                ", ".join(one_line(used.name) for used in members), style="dim" if available else ""
            ),
            _source_text(f"{producers:<{width}}" if note else producers, note),
        )
    if reasons is not None and any(used.evidence is Evidence.AVAILABLE for used in view.used):
        yield Fact("available", Text(reasons.unknown(view.name), style="yellow"))


def _evidence_note(used: Used) -> str:
    """Return a note on the evidence of a use; empty for a read, which is the usual case."""
    return {
        Evidence.AVAILABLE: "available",
        Evidence.FOREACH_INPUT: "an item each",
        Evidence.PARAMETER: "",
        Evidence.READ: "",
    }[used.evidence]


def _producers(used: Used, view: StepView, sizes: dict[str, int]) -> str:
    if used.step == PARAMETERS:
        return "parameters"
    if used.step == view.name:
        return f"{one_line(used.step)}, an earlier round"
    total = sizes[used.step]
    if used.has_own_producers:
        return f"{one_line(used.step)}, each from its own"
    return name_tasks(used.producers, used.step, total)


def _consumers(used: Used, view: StepView) -> str:
    """Return which tasks used it; empty if all did."""
    if len(used.consumers) == len(view.tasks):
        return ""
    if len(used.consumers) == 1:
        return f"by {task_name(next(iter(used.consumers)))}"
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
        return Fact("lost", what, _source_text(one_line(where), view.unread[external]))
    producers = {use.edge.producer for use in view.external_uses if use.read == external}
    source = join_names(sorted(map(one_line, producers))) if producers else one_line(where)
    return Fact(
        "used", Text(one_line(name or "something")), _source_text(source, "another flow run")
    )


def _source_text(producers: str, note: str) -> Text:
    text = Text.assemble(("\N{LEFTWARDS ARROW} ", "dim"), producers)
    return text.append(f"  {note}", style="dim") if note else text


# --- made artifacts -------------------------------------------------------------------------


def _made(made: Made, view: StepView) -> Fact:
    notes = []
    if made.changed:
        notes.append("changed")
    if len(made.tasks) == 1 and len(view.tasks) > 1:
        notes.append(f"by {task_name(made.tasks[0].pathspec)}")
    elif len(made.tasks) < len(view.tasks):
        notes.append(f"by {len(made.tasks):,} of {len(view.tasks):,} tasks")
    if made.is_same:
        notes.append("the same content")
    description = Text.assemble(type_of(made.refs), (f"  {size_of(made.refs)}", "dim"))
    if notes:
        description.append(f"  {', '.join(notes)}", style="dim")
    return Fact("made", Text(one_line(made.name), style="green"), description)


# --- artifacts that it passes on ------------------------------------------------------------


def _counted(label: str, counts: Sequence[tuple[str, int]], view: StepView) -> Iterator[Fact]:
    if not counts:
        return
    total = len(view.tasks)
    names = [
        one_line(name) if number == total else f"{one_line(name)} ({number:,} of {total:,} tasks)"
        for name, number in counts
    ]
    description = Text("equal to the value it got", style="dim") if label == _ASSIGNED else None
    yield Fact(label, Text(", ".join(names), style="dim"), description)
