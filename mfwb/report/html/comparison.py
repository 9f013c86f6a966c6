"""Several flow runs side by side: parameters, results, artifacts and times that differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mfwb.pipeline.report_material import ReportMaterial, value_names
from mfwb.planning.run_metadata import seconds_between, span_of, span_of_flow_run
from mfwb.report.html.model import (
    Cell,
    Comparison,
    ComparisonRow,
    ComparisonTable,
    Fact,
    FlowRunPage,
)
from mfwb.report.html.texts import duration, moment, name_text, number_text, value_text
from mfwb.report.lineage.steps import views_of
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import step_of

__all__ = ["compare"]

_VALUE = 300  # letters of a cell
_ROWS = 400  # of one table

_Row = Mapping[str, tuple[Any, str]]
"""By name: what is compared, and its text."""


def compare(materials: Sequence[ReportMaterial], pages: Sequence[FlowRunPage]) -> Comparison:
    """Return the comparison of flow runs; `pages` are theirs, in the same order."""
    flow_runs = [material.traced.flow_run for material in materials]
    return Comparison(
        tuple(Fact(page.state, page.pathspec, page.anchor) for page in pages),
        tuple(
            table
            for table in (
                _table("Flow runs", [_facts(flow_run) for flow_run in flow_runs]),
                _table("Parameters", [_parameters(flow_run) for flow_run in flow_runs]),
                _table(
                    "Results",
                    [_results(material) for material in materials],
                    note="values of each step: of tasks their mean, of a curve its last number",
                ),
                _table(
                    "Durations",
                    [_durations(flow_run) for flow_run in flow_runs],
                    text=duration,
                ),
                _table(
                    "Artifacts",
                    [_artifacts(material) for material in materials],
                    note="the beginning of the sha1: equal contents have equal ones",
                ),
            )
            if table.rows
        ),
    )


def _table(
    title: str,
    columns: Sequence[_Row],
    *,
    note: str = "",
    text: Callable[[float], str] = number_text,
) -> ComparisonTable:
    """Return the rows of all names, those that differ first."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [_row(name, [column.get(name) for column in columns], text) for name in names]
    rows.sort(key=lambda row: not row.differs)
    if len(rows) > _ROWS:
        note = f"{note}; the first {_ROWS} of {len(rows):,}".removeprefix("; ")
    return ComparisonTable(title, note, tuple(rows[:_ROWS]))


def _row(
    name: str, values: Sequence[tuple[Any, str] | None], text: Callable[[float], str]
) -> ComparisonRow:
    keys = [None if value is None else value[0] for value in values]
    numbers = [_number(key) for key in keys]
    differs = any(key != keys[0] for key in keys)
    largest = max((number for number in numbers if number is not None), default=0.0)
    has_bars = differs and largest > 0 and all(number is None or number >= 0 for number in numbers)
    return ComparisonRow(
        name=name_text(name),
        cells=tuple(
            Cell(
                "" if value is None else text(number) if number is not None else value[1],
                number is not None,
            )
            for value, number in zip(values, numbers, strict=True)
        ),
        differs=differs,
        bars=tuple(round((number or 0.0) / largest, 4) for number in numbers) if has_bars else (),
    )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or abs(value) > 1e300:  # noqa: PLR2004
        return None
    return value  # type: ignore[no-any-return]


def _facts(flow_run: FlowRun) -> _Row:
    began, ended = span_of_flow_run(flow_run)
    seconds = seconds_between(began, ended)
    tags = ", ".join(sorted(flow_run.tags))
    facts = {
        "state": flow_run.state.value,
        "started": moment(began),
        "took": duration(seconds),
        "user": name_text(flow_run.user or ""),
        "tasks": f"{sum(1 for _ in flow_run.tasks):,}",
        "tags": name_text(tags, _VALUE),
    }
    return {name: (text, text) for name, text in facts.items() if text}


def _parameters(flow_run: FlowRun) -> _Row:
    return {
        parameter.name: (
            parameter.value if not parameter.no_value else parameter.ref.sha1,
            value_text(parameter.value, _VALUE)
            if not parameter.no_value
            else f"sha1 {parameter.ref.sha1[:12]}",
        )
        for parameter in flow_run.parameters
    }


def _results(material: ReportMaterial) -> _Row:
    results: dict[str, tuple[Any, str]] = {}
    for run in material.runs:
        if not run.planned.tasks:
            continue
        step = step_of(run.planned.tasks[0].pathspec)
        for name, value in value_names(run.planned).items():
            result = run.values.summary.get(value.key)
            if isinstance(result, Mapping) and result.keys() == {"min", "max", "mean"}:
                result = result["mean"]
            if result is not None:
                results[f"{step}/{name}"] = result, value_text(result, _VALUE)
    return results


def _durations(flow_run: FlowRun) -> _Row:
    durations = {}
    for step in flow_run.steps:
        seconds = seconds_between(*span_of(step.tasks)) if step.tasks else None
        if seconds is not None:
            durations[step.name] = seconds, duration(seconds)
    return durations


def _artifacts(material: ReportMaterial) -> _Row:
    """Return the artifacts that are no values, by step and name."""
    values = {
        (step_of(run.planned.tasks[0].pathspec), name)
        for run in material.runs
        if run.planned.tasks
        for name in value_names(run.planned)
    }
    rows: dict[str, tuple[Any, str]] = {}
    for view in views_of(material.traced):
        for made in view.made:
            if (view.name, made.name) not in values:
                contents = list(dict.fromkeys(ref.sha1[:12] for ref in made.refs))
                rows[f"{view.name}/{made.name}"] = tuple(contents), _some(contents)
    return rows


def _some(contents: Iterable[str]) -> str:
    every = list(contents)
    return every[0] if len(every) == 1 else f"{every[0]} and {len(every) - 1:,} more"
