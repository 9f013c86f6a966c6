"""`mfwb sync`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import run_plan_file, run_with_selection
from mfwb.errors import UsageError

__all__ = ["sync"]

_EXAMPLES = """\
mfwb sync TrainFlow/123 --project wines
mfwb sync TrainFlow --last 5 --mode offline --dir bundle
mfwb sync --since 24h
mfwb sync TrainFlow --since 2026-11-01 --until 2026-12-01 --tag prod
mfwb sync --plan plan.json
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.shard
@options.plan_file
@options.destination
@options.artifact_handling
@options.sync_behavior
@options.dry_run
@options.result_output
def sync(*, dry_run: bool, plan_path: Path | None, shard: str | None, **given: Any) -> int:
    """Replay flow runs into Weights & Biases.

    One W&B run per step, grouped by flow run. Flow runs that were synced before stay
    as they are.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help

    if plan_path is not None:
        if dry_run:
            raise UsageError("a plan is carried out: leave out --dry-run")
        if shard is not None:
            raise UsageError("a plan is carried out: leave out --shard")
        return run_plan_file(plan_path, **given)
    call = api.plan_selection if dry_run else api.sync_selection
    return run_with_selection(call, shard=shard, **given)
