"""Rows of the table of W&B runs; hundreds of W&B runs become one row per step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from mfwb.outcome import FlowRunOutcome, OutputOutcome, WandbRunOutcome
from mfwb.report.format import OVERVIEW, short_name
from mfwb.snapshot.pathspec import parts_of

__all__ = ["MANY", "Made", "Row", "Used", "rows_of"]

MANY = 20
"""If there are more W&B runs, there is one row per step."""


@dataclass(frozen=True, slots=True)
class Used:
    """W&B artifacts of one name that were used."""

    name: str
    producer: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """W&B artifacts of one name that were logged."""

    name: str
    type: str
    size: int  # bytes
    size_is_estimate: bool
    version: str  # v3; empty if it is not known, or if there are several
    same: bool = False  # W&B had that content already
    count: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One W&B run, or all those of a step.

    Attributes:
        step: its name.
        failed: number of W&B runs with state failed.
        used: what the step used.
        made: what it logged.
        values: number of values in summary; `losses/0` and `losses/1` are parts of one value, which
            a plan does not know.
        losses: what was lost.
        count: number of W&B runs.
        url: of the W&B run, if it is one that has a page.
    """

    step: str
    failed: int
    used: tuple[Used, ...]
    made: tuple[Made, ...]
    values: int
    losses: int
    count: int = 1
    url: str | None = None


def rows_of(flow_run: FlowRunOutcome) -> tuple[Row, ...]:
    """Return the rows of a flow run's table, in the order of its W&B runs."""
    runs = flow_run.wandb_runs
    if len(runs) <= MANY:
        return tuple(_row([run], _label(run, flow_run), flow_run, merge=False) for run in runs)
    by_step: dict[str, list[WandbRunOutcome]] = {}
    for run in runs:
        by_step.setdefault(_step(run, flow_run), []).append(run)
    return tuple(
        _row(members, step if len(members) > 1 else _label(members[0], flow_run), flow_run)
        for step, members in by_step.items()
    )


def _row(
    runs: Sequence[WandbRunOutcome], step: str, flow_run: FlowRunOutcome, *, merge: bool = True
) -> Row:
    return Row(
        step=step,
        failed=sum(run.state == "failed" for run in runs),
        used=_used(runs, flow_run, merge=merge),
        made=_made([output for run in runs for output in run.outputs]),
        values=sum(len({key.partition("/")[0] for key in run.summary_keys}) for run in runs),
        losses=sum(len(run.losses) for run in runs),
        count=len(runs),
        url=runs[0].url if len(runs) == 1 else None,
    )


def _label(run: WandbRunOutcome, flow_run: FlowRunOutcome) -> str:
    """Return the step, the task if there is one, and the job type if it differs from the step."""
    name = short_name(run.name, flow_run.pathspec)
    if name == OVERVIEW:
        return name
    return name if parts_of(name)[0] == run.job_type else f"{name} ({run.job_type})"


def _step(run: WandbRunOutcome, flow_run: FlowRunOutcome) -> str:
    return parts_of(short_name(run.name, flow_run.pathspec))[0]


def _used(
    runs: Iterable[WandbRunOutcome], flow_run: FlowRunOutcome, *, merge: bool
) -> tuple[Used, ...]:
    """Return the used artifacts; with `merge`, those that tasks of one step made count as one."""
    pairs = dict.fromkeys(
        (used.name, short_name(used.producer, flow_run.pathspec))
        for run in runs
        for used in run.inputs
    )
    if not merge:
        return tuple(Used(name, producer) for name, producer in pairs)
    merged = Counter((name, parts_of(producer)[0]) for name, producer in pairs)
    return tuple(Used(name, producer, number) for (name, producer), number in merged.items())


def _made(outputs: Iterable[OutputOutcome]) -> tuple[Made, ...]:
    in_order = sorted(outputs, key=lambda output: (output.name, output.type))
    groups = groupby(in_order, key=lambda output: (output.name, output.type))
    return tuple(_made_of(name, kind, list(members)) for (name, kind), members in groups)


def _made_of(name: str, kind: str, members: Sequence[OutputOutcome]) -> Made:
    return Made(
        name,
        kind,
        sum(output.size for output in members),
        size_is_estimate=any(output.size_is_estimate for output in members),
        version=(members[0].version or "") if len(members) == 1 else "",
        same=all(output.deduplicated for output in members),
        count=len(members),
    )
