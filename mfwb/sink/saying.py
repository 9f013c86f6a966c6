"""What one open W&B run is told, online."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from mfwb.planning import Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyRun
from mfwb.sink.content import done, log_texts, pictures_of, summary_of, tables_of
from mfwb.sink.media import place_preview
from mfwb.sink.private import publish_started_at
from mfwb.sink.receipts import Receipt
from mfwb.sink.words import Words

__all__ = ["init_arguments", "say_all", "say_done"]


def init_arguments(plan: Plan, words: Words, run_id: WandbRunId) -> dict[str, Any]:
    """Return the arguments of `wandb.init`: all are given, so that none is the environment's."""
    return {
        "entity": plan.entity,
        "project": plan.project,
        "id": run_id,
        "name": words.name,
        "group": words.group,
        "job_type": words.job_type,
        "tags": list(words.tags),
        "notes": words.notes,
        "reinit": "create_new",
        "config": dict(words.config),
    }


def say_all(
    open_run: wandb.Run,
    run: PlannedRun,
    ready: ReadyRun,
    *,
    first_step: int = 0,
    others: Mapping[str, Any] | None = None,
) -> None:
    """Tell a W&B run its history, table, cards, log, times and summary.

    Args:
        open_run: the W&B run.
        run: as planned.
        ready: values and files.
        first_step: history rows below it are there already; W&B can only append.
        others: what others wrote into the summary, all of which is written anew.
    """
    if run.started_at is not None:
        publish_started_at(open_run, run.started_at)
    moment = {} if run.started_at is None else {"_timestamp": run.started_at / 1000}
    for step, row in ready.history:
        if step >= first_step:
            open_run.log({**row, **moment}, step=step)
    for text in log_texts(ready.log):
        open_run.write_logs(text)
    summary = {**(others or {}), **summary_of(run, ready)}
    for key, table in tables_of(ready).items():
        summary[key] = wandb.Table(
            columns=list(table.columns),
            data=[list(row) for row in table.rows],
            allow_mixed_types=True,
        )
    for card in ready.cards:
        summary[card.key] = wandb.Html(str(card.path), inject=False)
    for picture in pictures_of(ready):  # W&B's classes need plotly and Pillow to take a file
        files = Path(open_run.dir)
        placed = place_preview(picture, files)
        open_run.save(str(files / placed.path), base_path=str(files), policy="now")
        summary[picture.key] = placed.said
    open_run.summary.update(summary)


def say_done(open_run: wandb.Run, run: PlannedRun, receipt: Receipt) -> None:
    """Mark a W&B run as complete: all that was planned is in it."""
    open_run.summary.update(done(run.fingerprint, receipt))
