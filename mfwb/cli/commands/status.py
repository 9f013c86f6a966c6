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
mfwb status --losses --strict
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
@options.destination
@click.option(
    "--rebuild",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Rebuild a lost ledger from W&B",
)
@click.option(
    "--strict",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Exit with 3 if anything was lost",
)
@options.source
@click.option(
    "--losses",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Show",
    help="List each loss with its reason",
)
@options.text_or_json
def status(  # noqa: PLR0913 - one for each option
    *,
    flows: Sequence[str],
    rebuild: bool,
    strict: bool,
    losses: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Show what was synced, what is pending, and what was lost.

    Read from the ledger alone: only --rebuild contacts Metaflow and W&B.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.report import console_for  # noqa: PLC0415 - the same
    from mfwb.report.status import show_status  # noqa: PLC0415 - the same

    if rebuild:
        _rebuild(flows, config, settings, quiet=quiet)
    sync_status = api.status(*flows, config=config, **settings)
    text, plain = show_status(
        sync_status,
        console=console_for(sys.stdout),
        now=datetime.now(timezone.utc),
        as_json=as_json,
        rebuilt=rebuild,
        all_losses=losses,
    )
    write_out(text, plain=plain)
    return 3 if strict and sync_status.lost else 0


def _rebuild(
    flows: Sequence[str], config: Path | None, settings: dict[str, Any], *, quiet: bool
) -> None:
    from mfwb import api  # noqa: PLC0415 - as above
    from mfwb.report import progress_on_stderr  # noqa: PLC0415 - as above

    moved: list[Path] = []
    try:
        with (
            keep_stdout_clean(quiet=quiet),
            progress_on_stderr(quiet=quiet, result_follows=True) as progress,
        ):
            results = api.rebuild(
                *flows, config=config, moved=moved.append, progress=progress, **settings
            )
    finally:
        for aside in moved:  # also if W&B can't be queried afterwards
            write_error(f"the damaged ledger was renamed to {aside}")
    for rebuilt in results:
        destination = rebuilt.destination
        project = "/".join(filter(None, (destination.entity, destination.project)))
        if rebuilt.synced or rebuilt.incomplete:
            has = f"has {rebuilt.synced:,} synced and {rebuilt.incomplete:,} incomplete flow runs"
        else:
            has = "has no flow run of mfwb; if it should, give another --project or --entity"
        write_error(f"{project} {has}")
