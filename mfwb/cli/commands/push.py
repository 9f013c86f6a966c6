"""`mfwb push`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command, HelpedArgument
from mfwb.cli.run import call_and_report

__all__ = ["push"]

_EXAMPLES = """\
mfwb push bundle
mfwb push bundle --json | jq .totals
mfwb push bundle --timeout 30m --wait 1h
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "bundle",
    required=False,
    metavar="[DIR]",
    type=click.Path(path_type=Path),
    cls=HelpedArgument,
    heading="Choose",
    help="The bundle of an offline sync  [MFWB_DIR]",
)
@options.how_to_push
@options.show
def push(*, bundle: Path | None, **said: Any) -> int:
    """Upload the bundle of an offline sync.

    Level by level of the lineage, checked; what was pushed before is left alone.
    """
    from mfwb import api  # noqa: PLC0415 - help does without

    return call_and_report(partial(api.push_bundle, bundle), **said)
