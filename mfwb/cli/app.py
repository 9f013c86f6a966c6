"""The `mfwb` command: the group of all commands, and how one is run."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from mfwb import __version__
from mfwb.cli.commands.backfill import backfill
from mfwb.cli.commands.completion import completion
from mfwb.cli.commands.config import config
from mfwb.cli.commands.doctor import doctor
from mfwb.cli.commands.explain import explain
from mfwb.cli.commands.forget import forget
from mfwb.cli.commands.lineage import lineage
from mfwb.cli.commands.ls import ls
from mfwb.cli.commands.open_page import open_page
from mfwb.cli.commands.plan import plan
from mfwb.cli.commands.push import push
from mfwb.cli.commands.report import report
from mfwb.cli.commands.status import status
from mfwb.cli.commands.sync import sync
from mfwb.cli.commands.verify import verify
from mfwb.cli.commands.watch import watch
from mfwb.cli.exit import end
from mfwb.cli.help import Group
from mfwb.cli.streams import install_streams, write_error_at_once
from mfwb.cli.watchdog import Watchdog
from mfwb.process_exit import exit_process

__all__ = ["mfwb", "run"]

_EXAMPLES = """\
mfwb plan TrainFlow/latest                what a sync would do
mfwb sync TrainFlow/123 --project wines   one flow run
mfwb sync --since 24h                     new flow runs of all flows
"""

_OBJECTS_BETWEEN_COLLECTIONS = 200_000
"""Python's default of 700 costs a tenth of a sync: imports and facts make many lasting objects.

A sync of a small flow run has 150,000 objects at its end, of which 300 could have been collected;
with a limit of 50,000 the collector took 5 % of its processor time.
"""


@click.group(
    cls=Group,
    invoke_without_command=True,
    options_metavar="",
    subcommand_metavar="[-h | -V] COMMAND [ARGS]...",
    epilog=_EXAMPLES,
)
@click.version_option(
    __version__, "-V", "--version", message="mfwb %(version)s", help="Show the version"
)
@click.help_option("-h", "--help", help="Show this text")
@click.pass_context
def mfwb(context: click.Context) -> None:
    """Replay completed Metaflow runs into Weights & Biases, lineage included."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


mfwb.add_commands("Write to W&B", sync, backfill, push, watch, forget)
mfwb.add_commands("Look at a flow run", ls, plan, lineage, explain, report)
mfwb.add_commands("Look at what was synced", status, verify, open_page)
mfwb.add_commands("Set up", doctor, config, completion)


def run(arguments: Sequence[str] | None) -> NoReturn:
    """Run one command line and exit with its exit code; None: the arguments of this process."""
    # wandb sends reports of its own errors by default, and takes a second to prepare for that.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if arguments is not None:  # the calling program goes on, and has streams of its own
        sys.exit(end(mfwb, arguments))
    install_streams()
    code = end(mfwb, sys.argv[1:], Watchdog(write_error_at_once).while_reporting)
    deadlines = sys.modules.get("mfwb.deadlines")  # which help does without
    if deadlines is not None and deadlines.has_unfinished():
        # Python would abort the process if it ends a thread in the C++ code of an SDK.
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        exit_process(code)
    gc.freeze()  # else the exit looks through all objects of the SDKs: a third of a second
    sys.exit(code)
