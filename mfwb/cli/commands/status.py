"""`mfwb status`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command, HelpedArgument, HelpedOption
from mfwb.cli.streams import keep_stdout_clean, write_error, write_out

__all__ = ["status"]

_EXAMPLES = """\
mfwb status
mfwb status TrainFlow --json
mfwb status --mode offline --dir bundle
mfwb status --rebuild --project wines
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "flows",
    nargs=-1,
    metavar="FLOW...",
    cls=HelpedArgument,
    heading="Choose",
    help="Only these flows  [all]",
)
@options.where_to
@click.option(
    "--rebuild",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Make a lost ledger anew from W&B",
)
@options.whence
@options.document
def status(
    *,
    flows: Sequence[str],
    rebuild: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Say what was synced, what is pending, and what was lost.

    As the ledger has it: neither Metaflow nor W&B is asked, but by --rebuild.
    """
    from mfwb import api  # noqa: PLC0415 - help does without
    from mfwb.report import console_for  # noqa: PLC0415 - the same
    from mfwb.report.status import show_status  # noqa: PLC0415 - the same

    if rebuild:
        _rebuild(flows, config, settings, quiet=quiet)
    standings = api.status(*flows, config=config, **settings)
    text, plain = show_status(
        standings,
        console=console_for(sys.stdout),
        now=datetime.now(timezone.utc),
        as_json=as_json,
        rebuilt=rebuild,
    )
    write_out(text, plain=plain)
    return 0


def _rebuild(
    flows: Sequence[str], config: Path | None, settings: dict[str, Any], *, quiet: bool
) -> None:
    from mfwb import api  # noqa: PLC0415 - as above

    moved: list[Path] = []
    try:
        with keep_stdout_clean(quiet=quiet):
            found = api.rebuild(*flows, config=config, moved=moved.append, **settings)
    finally:
        for aside in moved:  # also if W&B can't be asked then
            write_error(f"the damaged ledger is called {aside} now")
    for one in found:
        project = "/".join(filter(None, (one.destination.entity, one.destination.project)))
        if one.synced or one.incomplete:
            has = f"has {one.synced:,} synced and {one.incomplete:,} incomplete flow runs"
        else:
            has = "has no flow run that mfwb wrote; say another --project or --entity if it should"
        write_error(f"{project} {has}")
