"""`mfwb plan`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import run_with_selection

__all__ = ["plan"]

_EXAMPLES = """\
mfwb plan TrainFlow/latest
mfwb plan TrainFlow --last 5 --json
mfwb plan --since 7d --failed
mfwb plan TrainFlow/123 --online --out plan.json
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.shard
@options.destination
@options.artifact_handling
@options.sync_behavior
@options.online
@options.plan_output
@options.result_output
def plan(*, online: bool, out: Path | None, **given: Any) -> int:
    """Show what sync would do.

    Nothing is written, and without --online W&B is not contacted: no key is needed.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help

    return run_with_selection(partial(api.plan_selection, online=online, out=out), **given)
