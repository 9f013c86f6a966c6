"""Rows of W&B runs' histories, read back: `finish` does not report lost rows."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import wandb

from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import nodes, require

__all__ = ["History", "Row", "count_foreign_rows", "missing_rows", "read_histories"]

Row = tuple[int, Mapping[str, Any]]
"""The step of a row, and its values by name."""

_RUNS = """
query MfwbHistories(
    $entity: String!, $project: String!, $filters: JSONString!, $runs: Int!,
    $first: Int64!, $end: Int64!, $most: Int!, $config: Boolean!
) {
    project(name: $project, entityName: $entity) {
        runs(filters: $filters, first: $runs) {
            edges { node {
                name historyLineCount historyKeys
                config @include(if: $config)
                history(minStep: $first, maxStep: $end, samples: $most)
            } }
        }
    }
}
"""
"""W&B's public Api requests the history of one run at a time, with three requests or more."""

_RUNS_AT_ONCE = 50
_STEPS_OF_MANY = 200  # of each W&B run, in a request for many
_STEPS_PER_REQUEST = 5_000  # in a request for one W&B run
_ROWS_PER_STEP = 4  # at most; W&B leaves rows out if there are more


@dataclass(frozen=True, slots=True)
class History:
    """The history of a W&B run.

    Attributes:
        rows: in W&B's order.
        lines: W&B's count of the rows.
        last_step: the highest step; -1 if there is none.
        axes: the x axis of each chart for which one is defined.
    """

    rows: tuple[Row, ...] = ()
    lines: int = 0
    last_step: int = -1
    axes: Mapping[str, str] = field(default_factory=dict)


def read_histories(
    api: wandb.Api, entity: str, project: str, run_ids: Sequence[str]
) -> dict[str, History]:
    """Return the whole history of each W&B run by its id, without runs that do not exist.

    One request for fifty runs is enough for most of them.
    """
    histories: dict[str, History] = {}
    for start in range(0, len(run_ids), _RUNS_AT_ONCE):
        batch = run_ids[start : start + _RUNS_AT_ONCE]
        for run_id, history in _read(api, (entity, project), batch, 0, _STEPS_OF_MANY):
            whole, first = history, _STEPS_OF_MANY
            while first <= history.last_step:
                pages = dict(
                    _read(api, (entity, project), [run_id], first, first + _STEPS_PER_REQUEST)
                )
                page = pages.get(run_id, History())
                whole = replace(whole, rows=(*whole.rows, *page.rows))
                first += _STEPS_PER_REQUEST
            histories[run_id] = whole
    return histories


def missing_rows(
    planned: Iterable[Row], stored: Iterable[Row], axes: Mapping[str, str]
) -> list[Row]:
    """Return the planned values that are not stored, by row.

    A stored row may have a part of them: an earlier version of mfwb wrote fewer charts.

    Args:
        planned: the planned rows.
        stored: the stored ones.
        axes: the x axis of each chart that has one; a point is missing without its position.
    """
    by_step = _group_by_step(stored)
    missing: list[Row] = []
    for step, values in planned:
        candidates = by_step.get(step, ())
        lacking = {
            name
            for name in values
            if not any(_has(candidate, values, name, axes) for candidate in candidates)
        }
        lacking |= {axes[name] for name in lacking if axes.get(name) in values}
        if lacking:
            missing.append(
                (step, {name: value for name, value in values.items() if name in lacking})
            )
    return missing


def count_foreign_rows(
    planned: Sequence[Row], stored: Iterable[Row], axes: Mapping[str, str]
) -> int:
    """Return the number of stored rows that differ from the plan, or repeat planned values.

    W&B can't remove rows. Rows without any planned name belong to other people. Positions on an x
    axis may be repeated: each row with a point has one.
    """
    by_step = dict(planned)
    names = {name for _, values in planned for name in values}
    positions = {*axes.values()}
    matched: set[tuple[int, str]] = set()
    foreign = 0
    for step, values in stored:
        own = names.intersection(values)
        if not own:
            continue
        expected = by_step.get(step, {})
        points = {(step, name) for name in own if name not in positions}
        is_planned = all(name in expected and _equal(values[name], expected[name]) for name in own)
        if not is_planned or (points & matched) or (not points and (step, "") in matched):
            foreign += 1
        else:
            matched |= points or {(step, "")}
    return foreign


def _group_by_step(rows: Iterable[Row]) -> dict[int, list[Mapping[str, Any]]]:
    by_step: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for step, values in rows:
        by_step[step].append(values)
    return by_step


def _has(
    stored: Mapping[str, Any], planned: Mapping[str, Any], name: str, axes: Mapping[str, str]
) -> bool:
    """Whether a stored row has a planned value, together with its position on the x axis."""
    needed = [name, *([axes[name]] if axes.get(name) in planned else [])]
    return all(
        needed_name in stored and _equal(stored[needed_name], planned[needed_name])
        for needed_name in needed
    )


def _read(
    api: wandb.Api, project: tuple[str, str], run_ids: Sequence[str], first: int, end: int
) -> Iterator[tuple[str, History]]:
    """Yield the histories of W&B runs from the step `first` to before the step `end`."""
    variables = {
        "entity": project[0],
        "project": project[1],
        "filters": json.dumps({"name": {"$in": list(run_ids)}}),
        "runs": len(run_ids),
        "first": first,
        "end": end,
        "most": (end - first) * _ROWS_PER_STEP,
        "config": first == 0,
    }
    answer = execute_graphql(api, _RUNS, variables)
    for run in nodes(require(answer, "project", "runs")):
        rows = tuple(map(_row, run.get("history") or ()))
        last = max((step for step, _ in rows), default=-1)
        last_reported = (run.get("historyKeys") or {}).get("lastStep", -1)
        yield (
            run["name"],
            History(
                rows,
                int(run.get("historyLineCount") or 0),
                max(last, last_reported),
                _parse_axes(run.get("config")),
            ),
        )


def _parse_axes(config: str | None) -> dict[str, str]:
    """Return the x axis of each chart, as wandb-core writes them into `_wandb` of the config.

    A metric has its name under "1", and under "5" the number of the metric that is its x axis,
    counted from 1.
    """
    internal = json.loads(config or "{}").get("_wandb") or {}
    metrics: list[dict[str, Any]] = internal.get("value", internal).get("m") or []
    return {
        metric["1"]: metrics[number - 1]["1"]
        for metric in metrics
        if "1" in metric and 0 < (number := metric.get("5", 0)) <= len(metrics)
    }


def _row(text: str) -> Row:
    values: dict[str, Any] = json.loads(text)
    return int(values.get("_step", -1)), values


def _equal(stored: Any, planned: Any) -> bool:
    """Whether W&B's value is the planned one; numbers that JSON can't hold come as text."""
    if isinstance(planned, (int, float)) and not isinstance(planned, bool):
        try:
            number = float(stored)
        except (TypeError, ValueError):
            return False
        if math.isnan(planned):
            return math.isnan(number)
        return math.isclose(number, planned, rel_tol=1e-12)
    if isinstance(planned, dict) and isinstance(stored, dict):  # a panel: W&B may add to it
        return all(stored.get(field) == planned.get(field) for field in _PANEL_FIELDS)
    return bool(stored == planned)


_PANEL_FIELDS = ("_type", "path", "filenames")
"""What identifies a panel: the names of its files contain their digests."""
