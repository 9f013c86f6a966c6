"""`mfwb sync`."""

from __future__ import annotations

from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import act

__all__ = ["sync"]

_EXAMPLES = """\
mfwb sync TrainFlow/123 --project wines
mfwb sync TrainFlow --last 5 --mode offline --dir bundle
mfwb sync --since 24h
mfwb sync TrainFlow --since 2026-11-01 --until 2026-12-01 --tag prod
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.choose
@options.where_to
@options.what
@options.how
@options.dry_run
@options.show
def sync(*, dry_run: bool, **said: Any) -> int:
    """Replay flow runs into Weights & Biases.

    One W&B run per step, grouped by flow run. What was synced before is left alone.
    """
    from mfwb import api  # noqa: PLC0415 - help does without

    return act(api.plan_selection if dry_run else api.sync_selection, **said)
