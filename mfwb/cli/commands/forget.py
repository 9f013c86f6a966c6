"""`mfwb forget`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command, HelpedArgument, HelpedOption
from mfwb.cli.streams import keep_stdout_clean, write_block, write_error, write_out

if TYPE_CHECKING:
    from mfwb.forgotten import Forgotten

__all__ = ["forget"]

_EXAMPLES = """\
mfwb forget TrainFlow/123 --dry-run
mfwb forget TrainFlow --project wines
mfwb forget TrainFlow/123 --delete-in-wandb
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "pathspecs",
    nargs=-1,
    metavar="[PATHSPEC]...",
    cls=HelpedArgument,
    heading="Choose",
    help="Flow/123 or Flow  [all of the --project]",
    shell_complete=options.pathspec_completion(latest=False),
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Choose",
    help="All that the ledger has",
)
@options.destination
@click.option(
    "--delete-in-wandb",
    "deletes",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Also delete the W&B runs that mfwb wrote",
)
@click.option(
    "--dry-run",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Only show what would be removed",
)
@click.option(
    "--yes",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="How",
    help="Do not ask; needed without a terminal",
)
@options.how_a_forget_waits
@options.text_or_json
def forget(  # noqa: PLR0913 - one for each option
    *,
    pathspecs: tuple[str, ...],
    every: bool,
    deletes: bool,
    dry_run: bool,
    yes: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Forget that flow runs were synced.

    Only the ledger changes: W&B runs stay, and the next sync finds them. With
    --delete-in-wandb, they are deleted; the artifacts that they logged stay.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.config import load_settings  # noqa: PLC0415 - the same
    from mfwb.errors import UsageError  # noqa: PLC0415 - the same
    from mfwb.report.forgotten import show_forgotten  # noqa: PLC0415 - the same

    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    if not (dry_run or yes or can_ask):
        raise UsageError("forget asks first, and there is no terminal to ask on; add --yes")
    resolved = load_settings(settings, file=config)

    def confirm(plan: Forgotten) -> bool:
        return yes or _ask(plan)

    with keep_stdout_clean(quiet=quiet and yes):
        forgotten = api.forget_selection(
            pathspecs,
            resolved,
            every=every,
            deletes=deletes,
            confirm=None if dry_run else confirm,
        )
    if forgotten.is_plan and not dry_run and forgotten.flow_runs:
        write_error("nothing was forgotten")
        return 1
    text, plain = show_forgotten(forgotten, as_json=as_json)
    write_out(text, plain=plain)
    return forgotten.exit_code


def _ask(plan: Forgotten) -> bool:
    """Show what would be removed, and return whether the user agrees; a deletion is typed."""
    from mfwb.report.forgotten import show_forgotten  # noqa: PLC0415 - not needed for help

    write_block(show_forgotten(plan, as_json=False)[1])
    if not plan.deletes:
        return _typed("forget them? [y/N] ") in {"y", "yes"}
    if not plan.wandb_runs:
        return _typed("nothing is to be deleted in W&B; forget them? [y/N] ") in {"y", "yes"}
    number = f"{plan.wandb_runs}"
    return _typed(f"type {number} to delete {number} W&B runs for ever: ") == number


def _typed(question: str) -> str:
    """Return the line that the user types; empty at the end of the input."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        sys.stderr.write("\n")
    return line.strip().lower()
