"""`mfwb plan`."""

from __future__ import annotations

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
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.destination
@options.artifact_handling
@options.sync_behavior
@options.result_output
def plan(**given: Any) -> int:
    """Show what sync would do.

    Nothing is written, and W&B is not contacted: no key is needed.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help

    return run_with_selection(api.plan_selection, **given)
