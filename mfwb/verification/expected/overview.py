"""What the W&B run of a whole flow run should say: docs/mapping.md, "The flow run as a whole"."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mfwb.config import Settings
from mfwb.verification.expected import names
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.foreach_items import expect_foreach
from mfwb.verification.expected.model import (
    OVERVIEW_JOB_TYPE,
    ExpectedRun,
    ExpectedTable,
    ExpectedUse,
    ExpectedValue,
    Overview,
    Statistics,
)
from mfwb.verification.expected.run_curves import CurveRules
from mfwb.verification.expected.run_facts import (
    expect_flow_run_facts,
    expect_flow_run_outcome,
    span,
)
from mfwb.verification.expected.run_values import expect_values
from mfwb.verification.expected.wording import put
from mfwb.verification.expected.written import History
from mfwb.verification.expected.written_value import WrittenValue

__all__ = ["expect_overview", "find_chosen"]

_NAME, _TAG = 128, 64  # characters
_MAX_SUMMARY = 6_000_000  # characters; beyond it some values may be missing
_NO_CURVES = CurveRules(setting=False)
_REPORT = {"report": "html-file"}
_PANELS = {"steps": "table-file", "timeline": "plotly-file", "lineage": "plotly-file"}


@dataclass(slots=True)
class _Values:
    summary: dict[str, ExpectedValue]
    history: dict[tuple[int, str], int | float]
    open_keys: set[str]


def expect_overview(  # noqa: PLR0913 - what it is made from
    facts: FlowRunFacts,
    settings: Settings,
    *,
    config: Mapping[str, ExpectedValue],
    constants: Mapping[str, Any],
    written: Mapping[str, Mapping[str, Sequence[WrittenValue]]],
    history: History,
    contents: Contents,
    final: Mapping[str, frozenset[str]],
    included: Mapping[str, frozenset[str]],
) -> ExpectedRun:
    """Return what the W&B run of a whole flow run should say.

    Args:
        facts: of the flow run.
        settings: of a sync.
        config: the parameters.
        constants: by name.
        written: what the tasks of each step wrote, by step and name.
        history: the producers of all artifacts.
        contents: of the flow run.
        final: for each artifact at the end of the flow run, the W&B runs that may have logged it.
        included: for each included file, the W&B runs that logged it.
    """
    wandb = settings.wandb_of(facts.flow)
    tags = {*facts.tags, *(wandb.get("run_tags") or ())}
    started, ended = facts.started_at, span(facts.tasks)[1]
    values = _values(facts, written, find_chosen(facts, history))
    return ExpectedRun(
        name=names.line(facts.path, _NAME),
        group=names.line(str(wandb.get("run_group") or facts.path), _NAME),
        job_type=OVERVIEW_JOB_TYPE,
        tags=frozenset(names.line(tag, _TAG) for tag in tags) - {""},
        state="failed" if facts.state in {"failed", "abandoned"} else "finished",
        config=config,
        facts=expect_flow_run_facts(facts, names.line(facts.path, _NAME), constants),
        summary=values.summary,
        outcome=expect_flow_run_outcome(facts),
        history=values.history,
        table=_table(facts, history, contents),
        cards=(),
        log=(),
        artifacts=(),
        uses=tuple(ExpectedUse(name, (runs,), runs) for name, runs in included.items()),
        open_keys=frozenset(values.open_keys),
        started_at=started or None,
        runtime=None if ended is None else (ended - started) / 1000,
        overview=Overview(final, _PANELS | (_REPORT if settings.overview_report else {})),
    )


def _values(
    facts: FlowRunFacts,
    written: Mapping[str, Mapping[str, Sequence[WrittenValue]]],
    chosen: Mapping[str, str],
) -> _Values:
    result = _Values({}, {}, set())
    for step, by_name in written.items():
        tasks = facts.steps[step]
        merged = len(tasks) > 1 or any(task.indexes for task in tasks)
        plain = {name: [item for item in items if item.is_value] for name, items in by_name.items()}
        own = expect_values(
            tasks,
            {name: items for name, items in plain.items() if items},
            _NO_CURVES,
            merged=merged,
        )
        result.open_keys |= {f"{step}/{key}" for key in own.open_keys}
        for name, items in plain.items():
            key = names.summary_key(name)
            if len(items) < len(by_name[name]):
                result.open_keys.add(f"{step}/{key}")  # other tasks have a file of that name
            elif key in own.summary:
                result.summary[f"{step}/{key}"] = _with_choice(
                    own.summary[key], items, chosen.get(step)
                )
        if not merged:
            result.history |= {
                (row, f"{step}/{key}"): number for (row, key), number in own.history.items()
            }
    if _size(result.summary) > _MAX_SUMMARY:
        result.open_keys |= result.summary.keys()
        result.summary.clear()
    return result


def _with_choice(
    value: ExpectedValue, items: Sequence[WrittenValue], chosen: str | None
) -> ExpectedValue:
    """Return statistics with the number of the task that a join chose."""
    number = next((item.value.number for item in items if item.task.path == chosen), None)
    if number is None:
        return value
    options = tuple(
        replace(option, chosen=(put(number),)) if isinstance(option, Statistics) else option
        for option in value.options
    )
    return replace(value, options=options)


def _size(summary: Mapping[str, ExpectedValue]) -> int:
    return sum(
        100 if isinstance(option, Statistics) else len(json.dumps(option))
        for value in summary.values()
        for option in value.options[:1]
    )


def _table(facts: FlowRunFacts, history: History, contents: Contents) -> ExpectedTable:
    columns: dict[str, dict[str, Any]] = {"step": {}, "attempts": {}}
    for task in facts.tasks:
        columns["step"][task.path] = task.step
        columns["attempts"][task.path] = len(task.attempts)
        for column, cell in expect_foreach(task, history.parents, contents).columns.items():
            columns.setdefault(column, {})[task.path] = cell
    return ExpectedTable(
        own=("step", "task", "index", "state", "attempts", "started", "seconds", "exception"),
        rows=tuple((task.label, task.path, task.outcome, task.seconds) for task in facts.tasks),
        columns=columns,
    )


def find_chosen(facts: FlowRunFacts, history: History) -> dict[str, str]:
    """Return the task of each step whose values a join outside of all foreachs chose, by step.

    A join chose the only one of its parents that has all those artifacts of the join in which the
    parents differ, without those that the join wrote itself.
    """
    choices: dict[str, TaskFacts] = {}
    chosen: dict[str, str] = {}
    for task in facts.tasks:
        parents = history.parents[task.path]
        if len(parents) < 2 or not parents[0].indexes:  # noqa: PLR2004
            continue
        possible = {parent.path: parent for parent in parents}
        for name in task.held:
            alike = history.alike(task, name)
            if alike and len(alike) < len(parents):
                possible = {path: parent for path, parent in possible.items() if path in alike}
        if len(possible) == 1:
            [choices[task.path]] = possible.values()
            if not task.indexes:
                chosen.update(_branch(choices[task.path], history, choices))
    return chosen


def _branch(
    sibling: TaskFacts, history: History, choices: Mapping[str, TaskFacts]
) -> dict[str, str]:
    """Return a sibling and its ancestors in the foreach, by step, where there is only one."""
    by_step: dict[str, set[str]] = {}
    waiting = [sibling]
    while waiting:
        task = waiting.pop()
        if not task.indexes or task.path in by_step.get(task.step, ()):
            continue
        by_step.setdefault(task.step, set()).add(task.path)
        choice = choices.get(task.path)
        waiting += history.parents[task.path] if choice is None else (choice,)
    return {step: next(iter(paths)) for step, paths in by_step.items() if len(paths) == 1}
