"""`mfwb lineage`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.streams import keep_stdout_clean, write_out

__all__ = ["lineage"]

_EXAMPLES = """\
mfwb lineage TrainFlow/latest
mfwb lineage TrainFlow/123 --artifact model --explain
mfwb lineage TrainFlow/123 --format mermaid > lineage.mmd
mfwb lineage TrainFlow/123 --json | jq .edges
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_argument
@options.artifact_filter
@options.source
@options.lineage_output
def lineage(  # noqa: PLR0913 - they are the options
    *,
    pathspec: str,
    artifact: str | None,
    form: str | None,
    as_json: bool,
    explain: bool,
    config: Path | None,
    quiet: bool,
    **settings: Any,
) -> int:
    """Show which task made and which task used each artifact.

    For one flow run, rebuilt from Metaflow's records. W&B is not contacted.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.report.console import console_for  # noqa: PLC0415 - the same
    from mfwb.report.lineage import show_lineage  # noqa: PLC0415 - the same
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - the same

    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} exclude each other")
    form = "json" if as_json else form or "text"
    if explain and form == "mermaid":
        raise click.UsageError("--explain needs text or json: a mermaid chart can't show evidence")
    with keep_stdout_clean(quiet=quiet), progress_on_stderr(quiet=quiet) as progress:
        traced = api.lineage(pathspec, config=config, progress=progress, **settings)
    console = console_for(sys.stdout)
    text, plain = show_lineage(traced, form, console=console, artifact=artifact, explain=explain)
    write_out(text, plain=plain)
    return 0
