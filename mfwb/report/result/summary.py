"""A result as a summary for CI: a table of flow runs, and what should be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from mfwb.account import Ending, count_endings, number_of
from mfwb.errors import MfwbError
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.format import project_path, project_urls
from mfwb.report.result.totals import item_totals, totals
from mfwb.report.step_summary import Cell, StepSummary, to_markdown

__all__ = ["error_to_markdown", "result_to_markdown"]

_HEADINGS = (
    *("Flow run", "State", "W&B project", "W&B runs", "Items"),
    *("Written", "Same content", "Switched off", "Masked", "Referenced", "Lost", "Losses"),
)

_ALWAYS = ("Flow run", "State", "W&B runs", "Losses")


def result_to_markdown(result: Result) -> str:
    """Return a result as Markdown."""
    headings, rows = _without_zeros(_HEADINGS, [_row(flow_run) for flow_run in result.flow_runs])
    return to_markdown(
        StepSummary(
            f"mfwb {result.command}",
            sentences=("; ".join([*totals(result), *islice(item_totals(result), 1)]),),
            headings=headings,
            rows=rows,
            remarks=(*result.notes, *_remarks(result)),
        )
    )


def error_to_markdown(error: BaseException) -> str:
    """Return an error that ended a call, so that there is no result, as Markdown."""
    message = str(error) if isinstance(error, MfwbError) else f"{type(error).__name__}: {error}"
    return to_markdown(StepSummary("mfwb", sentences=(f"failed: {message}",)))


def _without_zeros(
    headings: Sequence[str], rows: Sequence[tuple[Cell, ...]]
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Return headings and rows without the columns in which all is empty or zero."""
    kept = [
        number
        for number, heading in enumerate(headings)
        if heading in _ALWAYS or any(row[number].text not in ("", "0") for row in rows)
    ]
    return (
        tuple(headings[number] for number in kept),
        tuple(tuple(row[number] for number in kept) for row in rows),
    )


def _row(flow_run: FlowRunOutcome) -> tuple[Cell, ...]:
    project = project_path(flow_run) if flow_run.project else ""
    url = next(iter(project_urls([flow_run])), "")
    return (
        Cell(flow_run.pathspec),
        Cell(flow_run.status.value),
        Cell(project, url),
        Cell(f"{len(flow_run.wandb_runs):,}"),
        *_numbers(flow_run),
        Cell(f"{len(flow_run.all_losses):,}"),
    )


def _numbers(flow_run: FlowRunOutcome) -> Iterator[Cell]:
    """Yield the number of items and those of each ending; empty cells if it is not known."""
    if flow_run.account is None:
        yield from [Cell("")] * (1 + len(Ending))
        return
    yield Cell(f"{number_of(flow_run.account):,}")
    for number in count_endings(flow_run.account).values():
        yield Cell(f"{number:,}")


def _remarks(result: Result) -> Iterator[str]:
    for flow_run in result.flow_runs:
        if flow_run.status is Status.FAILED:
            yield f"{flow_run.pathspec} failed: {flow_run.reason or 'no reason was recorded'}"
    yield from (f"lost {loss.item}: {loss.reason}" for loss in result.losses)
