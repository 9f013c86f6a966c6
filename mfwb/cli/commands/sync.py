"""`mfwb sync`."""

from __future__ import annotations

from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import run_with_selection

__all__ = ["sync"]

_EXAMPLES = """\
mfwb sync TrainFlow/123 --project wines
mfwb sync TrainFlow --last 5 --mode offline --dir bundle
mfwb sync --since 24h
mfwb sync TrainFlow --since 2026-11-01 --until 2026-12-01 --tag prod
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.destination
@options.artifact_handling
@options.sync_behavior
@options.dry_run
@options.result_output
def sync(*, dry_run: bool, **given: Any) -> int:
    """Replay flow runs into Weights & Biases.

    One W&B run per step, grouped by flow run. Flow runs that were synced before stay
    as they are.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help

    return run_with_selection(api.plan_selection if dry_run else api.sync_selection, **given)
