"""`mfwb ls`."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.streams import keep_stdout_clean, write_error, write_out

__all__ = ["ls"]

_EXAMPLES = """\
mfwb ls
mfwb ls TrainFlow
mfwb ls TrainFlow --failed --since 7d
mfwb ls --since 24h --json
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.patience
@options.source
@options.text_or_json
def ls(*, config: Path | None, as_json: bool, quiet: bool, every: bool, **given: Any) -> int:
    """List Metaflow's runs, and where they are synced.

    The newest 20 of a flow; without a flow, all flows. W&B is not contacted: what is
    synced is read from the ledger.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.config import load_settings  # noqa: PLC0415 - the same
    from mfwb.pipeline.selection import SELECTORS  # noqa: PLC0415 - the same
    from mfwb.report.console import console_for  # noqa: PLC0415 - the same
    from mfwb.report.flow_run_list import lines_on_rest, show_flow_runs  # noqa: PLC0415 - the same

    selectors = {name: given.pop(name) for name in SELECTORS if name != "every"}
    settings = load_settings(given, file=config)
    with keep_stdout_clean(quiet=quiet):
        listed = api.list_selection(selectors, settings, every=every)
    text, plain = show_flow_runs(
        listed, console=console_for(sys.stdout), now=datetime.now(timezone.utc), as_json=as_json
    )
    write_out(text, plain=plain)
    if not (as_json or quiet):
        for line in lines_on_rest(listed):
            write_error(line)
    return 0
