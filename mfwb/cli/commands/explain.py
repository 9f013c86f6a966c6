"""`mfwb explain`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.streams import keep_stdout_clean, write_out

__all__ = ["explain"]

_EXAMPLES = """\
mfwb explain TrainFlow/latest/train/model
mfwb explain TrainFlow/123/train/4/model --json
mfwb explain TrainFlow/123/_parameters/alpha
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.artifact_argument
@options.project
@options.artifact_handling
@options.source
@options.text_or_json
def explain(
    *, pathspec: str, as_json: bool, config: Path | None, quiet: bool, **settings: Any
) -> int:
    """Show what W&B gets of one artifact, and why.

    The files are really made, and then deleted. W&B is not contacted.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.report.console import console_for  # noqa: PLC0415 - the same
    from mfwb.report.explain import show_explanation  # noqa: PLC0415 - the same
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - the same

    with keep_stdout_clean(quiet=quiet), progress_on_stderr(quiet=quiet) as progress:
        explanation = api.explain(pathspec, config=config, progress=progress, **settings)
    console = console_for(sys.stdout)
    text, plain = show_explanation(explanation, console=console, as_json=as_json)
    write_out(text, plain=plain)
    return 0
