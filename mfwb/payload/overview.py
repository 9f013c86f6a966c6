"""What the W&B run of a whole flow run shows: values of all steps, tables, timeline and lineage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mfwb.conversion.inspector_child import Inspect
from mfwb.conversion.json_safe import json_size, to_json
from mfwb.media_formats import HTML, PLOTLY
from mfwb.payload.history import build_history
from mfwb.payload.inspections import Inspections
from mfwb.payload.masking import mask_values
from mfwb.payload.overview_figures import draw_lineage, draw_timeline, figure_text
from mfwb.payload.summary import aggregate, limit_summary
from mfwb.payload.task_table import list_foreach_columns
from mfwb.payload.values import Value, Values, decode_values
from mfwb.planning import (
    Overview,
    OverviewStep,
    OverviewTask,
    OverviewValue,
    PlannedRun,
    PlannedValue,
    Preview,
)
from mfwb.planning.run_metadata import timestamp
from mfwb.planning.size_limits import SUMMARY_LIMIT
from mfwb.ports import Contents, ReadyMedia, ReadyPreview, ReadyRun, ReadyTable
from mfwb.redaction import Masker
from mfwb.snapshot import Loss

__all__ = [
    "LINEAGE",
    "REPORT",
    "STEPS",
    "TIMELINE",
    "RenderOverview",
    "build_overview",
    "with_file_rules",
]

STEPS = "steps"
"""The key of the table of steps in the summary; keys of values have a `/`."""

TIMELINE = "timeline"
LINEAGE = "lineage"
REPORT = "report"

RenderOverview = Callable[[PlannedRun, Mapping[str, Any]], str]
"""Takes the W&B run of a flow run and its values; returns a page of HTML about the flow run."""

_ROW_LIMIT = 200_000
"""Rows of a table: W&B takes no more."""


def build_overview(  # noqa: PLR0913, PLR0917 - each is a part of its own
    run: PlannedRun,
    overview: Overview,
    contents: Contents,
    inspect: Inspect,
    write: Callable[[str, str], Path],
    masker: Masker,
    render: RenderOverview | None = None,
) -> ReadyRun:
    """Return summary, charts, tables and figures of the W&B run of a whole flow run.

    Args:
        run: the planned W&B run.
        overview: its overview.
        contents: source of the bytes of values.
        inspect: decodes values.
        write: writes the text of a figure or page, of that suffix, and returns its file.
        masker: knows what a secret is.
        render: returns the page about the flow run; None: there is none.
    """
    planned = [PlannedValue(value.key, value.contents) for value in overview.values]
    decoded, _ = decode_values(planned, Inspections(contents, inspect), run.unpickle)
    values, _ = mask_values(decoded, planned, masker)  # the W&B runs of the steps list them
    summary, dropped = limit_summary(
        {
            value.key: _summarize(value, values[value.key])
            for value in overview.values
            if value.key in values
        },
        beside=json_size(run.summary),
        limit=SUMMARY_LIMIT,
    )
    figures = (
        (TIMELINE, draw_timeline(run.name, overview)),
        (LINEAGE, draw_lineage(run.name, overview)),
    )
    return ReadyRun(
        summary=summary,
        history=build_history(run, dict(_values_of_single_tasks(overview, values))),
        table=_task_table(overview),
        previews=(
            ReadyPreview(STEPS, Preview.TABLE, table=_step_table(overview)),
            *(_panel(key, write(figure_text(figure), "plotly.json")) for key, figure in figures),
            *([] if render is None else [_page(write(render(run, summary), "html"))]),
        ),
        losses=tuple(_losses(run, overview, values, dropped)),
    )


def _panel(key: str, path: Path) -> ReadyPreview:
    return ReadyPreview(key, Preview.FIGURE, media=(ReadyMedia(path, PLOTLY, "plotly.json"),))


def _page(path: Path) -> ReadyPreview:
    return ReadyPreview(REPORT, Preview.MEDIA, media=(ReadyMedia(path, HTML, "html"),))


def with_file_rules(run: PlannedRun, artifact: str) -> dict[str, Any]:
    """Return the rules for files of this machine of the step that logged a final artifact."""
    rules = run.overview.file_rules if run.overview is not None else ()
    return next(
        (
            {"path_roots": rule.path_roots, "file_limit": rule.file_limit}
            for rule in rules
            if rule.artifact == artifact
        ),
        {},
    )


def _summarize(value: OverviewValue, of_tasks: Mapping[str, Value]) -> Any:
    """Return a value, or the statistics of many tasks; with that of the task that a join chose."""
    in_order = dict.fromkeys(content.task for content in value.contents)
    present = [of_tasks[task] for task in in_order if task in of_tasks]
    if not value.is_merged:
        return to_json(present[-1].json)
    result = aggregate(present)
    chosen = of_tasks.get(value.chosen)
    if chosen is not None and all(item.number is not None for item in present):
        return {**result, "chosen": to_json(chosen.number)}
    return result


def _values_of_single_tasks(
    overview: Overview, values: Values
) -> Iterator[tuple[str, dict[str, Value]]]:
    for value in overview.values:
        if not value.is_merged and value.key in values:
            yield value.key, values[value.key]


def _losses(
    run: PlannedRun, overview: Overview, values: Values, dropped: Mapping[str, int]
) -> Iterator[Loss]:
    """Yield a loss for each value that is not in the summary, or not of all tasks."""
    for value in overview.values:
        item = f"summary.{value.key} of {run.name}"
        missing = len({content.task for content in value.contents}) - len(values.get(value.key, {}))
        if value.key in dropped:
            yield Loss(item, f"{dropped[value.key]:,} characters, too many for the summary")
        elif missing > 0:
            yield Loss(item, f"the values of {missing:,} tasks can't be read")
    if len(overview.tasks) > _ROW_LIMIT:
        reason = (
            f"W&B takes {_ROW_LIMIT:,} rows, and the flow run has {len(overview.tasks):,} tasks"
        )
        yield Loss(f"table tasks of {run.name}", reason)


def _task_table(overview: Overview) -> ReadyTable:
    levels = list_foreach_columns(task.foreach for task in overview.tasks)
    own = ("step", "task", "index", "state", "attempts", "started", "seconds", "exception")
    rows = (_task_row(task, levels) for task in overview.tasks[:_ROW_LIMIT])
    return ReadyTable((*own, *levels), tuple(rows))


def _task_row(task: OverviewTask, levels: Iterable[str]) -> tuple[Any, ...]:
    last = task.attempts[-1] if task.attempts else None
    return (
        task.step,
        task.pathspec,
        task.label,
        task.state,
        len(task.attempts),
        None if last is None else timestamp(last.started_at),
        None if last is None else last.seconds,
        task.failure,
        *(task.foreach.get(name) for name in levels),
    )


def _step_table(overview: Overview) -> ReadyTable:
    columns = (
        *("step", "type", "state", "tasks", "started", "seconds"),
        *("wandb_run", "inputs", "outputs"),
    )
    return ReadyTable(columns, tuple(map(_step_row, overview.steps)))


def _step_row(step: OverviewStep) -> tuple[Any, ...]:
    return (
        step.name,
        step.type,
        step.state,
        step.tasks,
        timestamp(step.started_at),
        step.seconds,
        _join(step.wandb_runs),
        _join(step.inputs),
        _join(step.outputs),
    )


_LISTED = 100


def _join(names: tuple[str, ...]) -> str:
    """Return names as one text, of which people read the beginning."""
    text = ", ".join(names[:_LISTED])
    return text if len(names) <= _LISTED else f"{text} and {len(names) - _LISTED:,} more"
