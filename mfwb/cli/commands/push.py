"""`mfwb push`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import run_command

__all__ = ["push"]

_EXAMPLES = """\
mfwb push bundle
mfwb push bundle --json | jq .totals
mfwb push bundle --timeout 30m --wait 1h
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.bundle_argument
@options.push_behavior
@options.result_output
def push(*, bundle: Path | None, **given: Any) -> int:
    """Upload the bundle of an offline sync.

    In the order of the lineage, and checked afterwards. Flow runs that were pushed
    before stay as they are.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help

    return run_command(partial(api.push_bundle, bundle), **given)
