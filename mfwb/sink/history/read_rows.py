"""The rows of W&B runs' histories, read back: `finish` says nothing of rows that got lost."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import wandb

from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import expected, nodes

__all__ = ["History", "Row", "count_foreign_rows", "missing_rows", "read_histories"]

Row = tuple[int, Mapping[str, Any]]
"""The step of a row, and its values by name."""

_RUNS = """
query MfwbHistories(
    $entity: String!, $project: String!, $filters: JSONString!, $runs: Int!,
    $first: Int64!, $end: Int64!, $most: Int!
) {
    project(name: $project, entityName: $entity) {
        runs(filters: $filters, first: $runs) {
            edges { node {
                name historyLineCount historyKeys
                history(minStep: $first, maxStep: $end, samples: $most)
            } }
        }
    }
}
"""
"""W&B's public Api asks for the history of one run at a time, with three requests or more."""

_RUNS_AT_ONCE = 50
_FIRST_STEPS = 200  # of each W&B run, when many are asked for
_STEPS = 5_000  # of one W&B run
_ROWS_PER_STEP = 4  # most that are expected; W&B leaves rows out if there are more


@dataclass(frozen=True, slots=True)
class History:
    """What a W&B run has of history.

    Attributes:
        rows: in W&B's order.
        lines: how many there are, as W&B counts.
        last_step: the highest one; -1: there is none.
    """

    rows: tuple[Row, ...] = ()
    lines: int = 0
    last_step: int = -1


def read_histories(
    api: wandb.Api, entity: str, project: str, run_ids: Sequence[str]
) -> dict[str, History]:
    """Return the whole history of each W&B run by its id; those that are not there are missing.

    Most take part in one request for fifty.
    """
    existing: dict[str, History] = {}
    for start in range(0, len(run_ids), _RUNS_AT_ONCE):
        some = run_ids[start : start + _RUNS_AT_ONCE]
        for run_id, history in _read(api, (entity, project), some, 0, _FIRST_STEPS):
            whole, first = history, _FIRST_STEPS
            while first <= history.last_step:
                pages = dict(_read(api, (entity, project), [run_id], first, first + _STEPS))
                page = pages.get(run_id, History())
                whole = replace(whole, rows=(*whole.rows, *page.rows))
                first += _STEPS
            existing[run_id] = whole
    return existing


def missing_rows(planned: Iterable[Row], there: Iterable[Row]) -> list[Row]:
    """Return the planned rows that are not there, each with all its values."""
    by_step: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for step, values in there:
        by_step[step].append(values)
    return [
        (step, values)
        for step, values in planned
        if not any(_holds(one, values) for one in by_step[step])
    ]


def count_foreign_rows(planned: Sequence[Row], there: Iterable[Row]) -> int:
    """Return how many rows there are that say something else of what is planned, or say it again.

    W&B takes no row back. Rows that have none of the planned names are somebody's own.
    """
    by_step = dict(planned)
    names = {name for _, values in planned for name in values}
    existing: set[int] = set()
    foreign = 0
    for step, values in there:
        if names.isdisjoint(values):
            continue
        if step in by_step and step not in existing and _holds(values, by_step[step]):
            existing.add(step)
        else:
            foreign += 1
    return foreign


def _read(
    api: wandb.Api, place: tuple[str, str], run_ids: Sequence[str], first: int, end: int
) -> Iterator[tuple[str, History]]:
    """Yield what W&B runs have of history from one step to before another one."""
    variables = {
        "entity": place[0],
        "project": place[1],
        "filters": json.dumps({"name": {"$in": list(run_ids)}}),
        "runs": len(run_ids),
        "first": first,
        "end": end,
        "most": (end - first) * _ROWS_PER_STEP,
    }
    answer = execute_graphql(api, _RUNS, variables)
    for run in nodes(expected(answer, "project", "runs")):
        rows = tuple(map(_row, run.get("history") or ()))
        last = max((step for step, _ in rows), default=-1)
        said = (run.get("historyKeys") or {}).get("lastStep", -1)
        yield run["name"], History(rows, int(run.get("historyLineCount") or 0), max(last, said))


def _row(text: str) -> Row:
    values: dict[str, Any] = json.loads(text)
    return int(values.get("_step", -1)), values


def _holds(there: Mapping[str, Any], planned: Mapping[str, Any]) -> bool:
    return all(name in there and _equal(there[name], value) for name, value in planned.items())


def _equal(there: Any, planned: Any) -> bool:
    """Whether W&B's value is the planned one; numbers that JSON can't hold come as words."""
    if isinstance(planned, (int, float)) and not isinstance(planned, bool):
        try:
            number = float(there)
        except (TypeError, ValueError):
            return False
        if math.isnan(planned):
            return math.isnan(number)
        return math.isclose(number, planned, rel_tol=1e-12)
    return bool(there == planned)
