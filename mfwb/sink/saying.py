"""What one open W&B run is told, whether online or offline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import wandb

from mfwb.planning import Plan, PlannedRun
from mfwb.ports import LogLine, ReadyRun
from mfwb.sink.private import publish_started_at
from mfwb.version import __version__

__all__ = ["MARKER", "init_arguments", "say_all", "say_done"]

MARKER = "mfwb"
"""The key in config and summary under which mfwb speaks of itself."""


def init_arguments(plan: Plan, run: PlannedRun, fingerprint: str) -> dict[str, Any]:
    """Return the arguments of `wandb.init` that both modes share.

    All are given, so that none is taken from the environment. The fingerprint is the planned
    run's, which takes a while to work out.
    """
    return {
        "entity": plan.entity,
        "project": plan.project,
        "id": run.id,
        "name": run.name,
        "group": run.group,
        "job_type": run.job_type,
        "tags": list(run.tags),
        "notes": "",
        "reinit": "create_new",
        "config": {
            **run.config,
            MARKER: {
                "version": __version__,
                "source": plan.source,
                "fingerprint": fingerprint,
            },
        },
    }


def say_all(open_run: wandb.Run, run: PlannedRun, ready: ReadyRun, *, first_step: int = 0) -> None:
    """Tell a W&B run its history, table, cards, log, times and summary.

    Args:
        open_run: the W&B run.
        run: as planned.
        ready: values and files.
        first_step: history rows below it are there already; W&B can only append.
    """
    if run.started_at is not None:
        publish_started_at(open_run, run.started_at)
    moment = {} if run.started_at is None else {"_timestamp": run.started_at / 1000}
    for step, row in ready.history:
        if step >= first_step:
            open_run.log({**row, **moment}, step=step)
    if ready.log:
        open_run.write_logs("\n".join(_log_lines(ready.log)))
    summary = _summary(run, ready)
    if ready.table is not None:
        summary["tasks"] = wandb.Table(
            columns=list(ready.table.columns),
            data=[list(row) for row in ready.table.rows],
            allow_mixed_types=True,
        )
    for card in ready.cards:
        summary[card.key] = wandb.Html(str(card.path), inject=False)
    open_run.summary.update(summary)


def say_done(open_run: wandb.Run, fingerprint: str) -> None:
    """Mark a W&B run as complete: all that was planned is in it."""
    open_run.summary.update({MARKER: {"complete": fingerprint}})


def _summary(run: PlannedRun, ready: ReadyRun) -> dict[str, Any]:
    values = {key: "None" if value is None else value for key, value in ready.summary.items()}
    if run.runtime is not None:
        values["_wandb"] = {"runtime": round(run.runtime)}
        values["_runtime"] = run.runtime
    return {**values, **run.summary}


def _log_lines(lines: Iterable[LogLine]) -> Iterable[str]:
    """Yield lines with the time they were printed; W&B would show that of the upload."""
    for line in lines:
        label = "" if line.stream == "stdout" else f"[{line.stream}] "
        yield f"{_clock(line.time)}{label}{line.text}"


def _clock(epoch_ms: int | None) -> str:
    if epoch_ms is None:
        return ""
    moment = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{epoch_ms % 1000:03d}Z "
