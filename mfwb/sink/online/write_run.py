"""Writing to one open W&B run, online."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

from mfwb.planning import Plan, PlannedRun, WandbRunId
from mfwb.ports import ChartAxis, ReadyRun
from mfwb.sink.client.private import publish_history, publish_started_at
from mfwb.sink.content.media import add_preview
from mfwb.sink.content.run_content import build_summary, file_previews, format_log, sent, tables_of
from mfwb.sink.content.run_metadata import RunMetadata
from mfwb.sink.history.read_rows import Row
from mfwb.sink.offline.records import history_records, row_times

__all__ = [
    "settings_of_new",
    "settings_of_resumed",
    "write_all",
    "write_history",
    "write_sent_marker",
]


def settings_of_new(plan: Plan, run_metadata: RunMetadata, run_id: WandbRunId) -> dict[str, Any]:
    """Return the fields of `wandb.Settings` that open a W&B run; none is from the environment.

    They are settings, since W&B validates all of these at once, and each argument of `init` alone.
    """
    return {
        **_settings_of(plan, run_id),
        "run_name": run_metadata.name,
        "run_group": run_metadata.group,
        "run_job_type": run_metadata.job_type,
        "run_tags": run_metadata.tags,
        "run_notes": run_metadata.notes,
    }


def settings_of_resumed(plan: Plan, run_id: WandbRunId) -> dict[str, Any]:
    """Return the fields of `wandb.Settings` that resume a W&B run and change no metadata of it."""
    return {**_settings_of(plan, run_id), "resume": "must"}


def _settings_of(plan: Plan, run_id: WandbRunId) -> dict[str, Any]:
    return {
        "entity": plan.entity,
        "project": plan.project,
        "run_id": run_id,
        "reinit": "create_new",
    }


def write_all(  # noqa: PLR0913 - all of it
    open_run: wandb.Run,
    run: PlannedRun,
    ready: ReadyRun,
    *,
    rows: Sequence[Row],
    others: Mapping[str, Any],
    start: int,
) -> None:
    """Write history, table, cards, log, times and summary of a W&B run.

    Args:
        open_run: the open W&B run.
        run: the planned run.
        ready: its values and files.
        rows: the rows of its history that are to be written; W&B can't remove any later.
        others: summary values of other people, which W&B would drop.
        start: the start of the W&B run in epoch ms.
    """
    if run.started_at is not None:
        publish_started_at(open_run, run.started_at)
    write_history(open_run, rows, ready.axes, start)
    for text in format_log(ready.log):
        open_run.write_logs(text)
    summary = {**others, **build_summary(run, ready)}
    for key, table in tables_of(ready).items():
        summary[key] = wandb.Table(
            columns=list(table.columns),
            data=[list(row) for row in table.rows],
            allow_mixed_types=True,
        )
    for card in ready.cards:
        summary[card.key] = wandb.Html(str(card.path), inject=False)
    for preview in file_previews(ready):  # W&B's classes need plotly and Pillow to take a file
        files = Path(open_run.dir)
        panel = add_preview(preview, files)
        for path in panel.paths:
            open_run.save(str(files / path), base_path=str(files), policy="now")
        summary[preview.key] = panel.summary_value
    open_run.summary.update(summary)


def write_history(
    open_run: wandb.Run, rows: Iterable[Row], axes: Iterable[ChartAxis], start: int
) -> None:
    """Write the x axes of charts, and rows of a W&B run's history, steps ascending.

    Public `log` gives each row the time since the W&B run was opened. So the records are published
    as `wandb sync` would, with the time in the flow.
    """
    for axis in axes:
        open_run.define_metric(
            axis.chart, step_metric=axis.axis, summary="none" if axis.keeps_value else None
        )
    publish_history(
        open_run,
        (record.history.SerializeToString() for record in history_records(rows, row_times(start))),
    )


def write_sent_marker(open_run: wandb.Run, token: str) -> None:
    """Mark a W&B run as sent: the token shows whether the summary of this sync has arrived."""
    open_run.summary.update(sent(token))
