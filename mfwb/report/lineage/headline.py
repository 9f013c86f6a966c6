"""The headline of a step: its name, its number of tasks, and the steps before it."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from mfwb.report.format import count
from mfwb.report.lineage.phrases import TIMES, join_names
from mfwb.report.lineage.steps import StepView
from mfwb.safe_text import one_line
from mfwb.snapshot import TaskState

__all__ = ["headline"]

_SHOWN_STATES = {
    TaskState.FAILED: "bold red",
    TaskState.UNFINISHED: "bold yellow",
    TaskState.CAUGHT: "yellow",
}


def headline(view: StepView, sizes: dict[str, int]) -> Text:
    """Return the headline of a step.

    Args:
        view: the step.
        sizes: the number of tasks of every step.
    """
    text = Text(one_line(view.name), style="bold")
    if view.rounds > 1:
        text.append(f" {TIMES} {_rounds(view)}", style="cyan not bold")
    elif len(view.tasks) > 1:
        text.append(f" {TIMES} {len(view.tasks):,} tasks", style="cyan not bold")
    for state, style in _states(view):
        text.append(f"  {state}", style=f"{style}")
    for note in (_origin(view, sizes), _choice(view)):
        if note:
            text.append(f"  {note}", style="not bold dim")
    return text


def _rounds(view: StepView) -> str:
    rounds = count(view.rounds, "round")
    return rounds if len(view.tasks) == view.rounds else f"{len(view.tasks):,} tasks, {rounds}"


def _states(view: StepView) -> list[tuple[str, str]]:
    counts = Counter(task.state for task in view.tasks)
    whole = len(view.tasks) == 1
    return [
        (state.value if whole else f"{counts[state]:,} {state.value}", style)
        for state, style in _SHOWN_STATES.items()
        if counts[state]
    ]


def _origin(view: StepView, sizes: dict[str, int]) -> str:
    if not view.before:
        return ""
    names = [
        one_line(step) if number == 1 else f"{one_line(step)} {TIMES} {number:,}"
        for step, number in view.before
    ]
    if view.over is not None:
        each = f"for each of {one_line(view.over)}"
        splitter, number = view.before[0]
        return f"after {one_line(splitter)}, {each}" if number == 1 else f"after {names[0]}, {each}"
    if view.joins:
        return f"joins {join_names(names)}"
    # A step inside a foreach follows its predecessor task by task: the number adds nothing.
    steps = [
        one_line(step) if number in (sizes[step], len(view.tasks)) else name
        for (step, number), name in zip(view.before, names, strict=True)
    ]
    return f"after {' or '.join(steps)}"


def _choice(view: StepView) -> str:
    if view.chose is None:
        return ""
    condition, steps = view.chose
    return f"switches on {one_line(condition)} to {join_names([one_line(step) for step in steps])}"
