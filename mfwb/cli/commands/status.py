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
from mfwb.cli.streams import (
    can_encode_all_letters,
    keep_stdout_clean,
    write_error,
    write_out,
    write_parts,
)

__all__ = ["status"]

_EXAMPLES = """\
mfwb status
mfwb status TrainFlow --since 7d
mfwb status TrainFlow/123 --json
mfwb status --failed
mfwb status --losses --strict
mfwb status --mode offline --dir bundle
mfwb status --rebuild --project wines
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "pathspecs",
    nargs=-1,
    metavar="[PATHSPEC]...",
    cls=HelpedArgument,
    heading="Choose",
    help="Only Flow, or Flow/123  [all]",
    shell_complete=options.pathspec_completion(latest=False),
)
@click.option(
    "--since",
    metavar="TIME",
    cls=HelpedOption,
    heading="Choose",
    help="Started in the last 24h, or since 2026-11-01",
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
    "--failed",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Show",
    help="Only flow runs that could not be synced",
)
@click.option(
    "--losses",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Show",
    help="Only flow runs with losses, and each loss",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    cls=HelpedOption,
    heading="Show",
    help="At most N flow runs  [20; JSON, losses: all]",
)
@options.text_or_json
def status(  # noqa: PLR0913 - one for each option
    *,
    pathspecs: Sequence[str],
    since: str | None,
    rebuild: bool,
    strict: bool,
    failed: bool,
    losses: bool,
    limit: int | None,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Show what was synced, what is pending, and what was lost.

    Read from the ledger alone: only --rebuild contacts Metaflow and W&B.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.report.console import console_for  # noqa: PLC0415 - the same
    from mfwb.report.status import (  # noqa: PLC0415 - the same
        Listed,
        status_to_json,
        status_to_text,
    )

    if rebuild:
        _rebuild(pathspecs, config, settings, quiet=quiet)
    sync_status = api.status(
        *pathspecs,
        since=since,
        failed=failed,
        losses=losses,
        limit=None if limit is None and (as_json or losses) else limit or _FEW,
        config=config,
        **settings,
    )
    if as_json:
        ascii_only = not can_encode_all_letters(sys.stdout)
        write_parts(
            status_to_json(sync_status, ascii_only=ascii_only, indented=sys.stdout.isatty())
        )
    else:
        text = status_to_text(
            sync_status,
            console=console_for(sys.stdout),
            now=datetime.now(timezone.utc),
            listed=Listed.of(failed=failed, losses=losses),
            rebuilt=rebuild,
        )
        write_out(text)
    return 3 if strict and sync_status.lost else 0


_FEW = 20
"""The number of flow runs that are listed for people by default."""


def _rebuild(
    flows: Sequence[str], config: Path | None, settings: dict[str, Any], *, quiet: bool
) -> None:
    from mfwb import api  # noqa: PLC0415 - as above
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - as above

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
