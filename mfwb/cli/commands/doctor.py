"""`mfwb doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.streams import keep_stdout_clean, write_out

__all__ = ["doctor"]

_EXAMPLES = """\
mfwb doctor
mfwb doctor --project wines --timeout 5s
mfwb doctor --mode offline --dir bundle --entity acme
mfwb doctor --json | jq '.checks[] | select(.status == "failed")'
"""


class _AnyVersions(Command):
    """A command that also runs with versions of the SDKs that do not work."""

    needs_known_versions = False


@click.command(cls=_AnyVersions, epilog=_EXAMPLES)
@options.diagnosis
def doctor(*, config: Path | None, as_json: bool, verbose: bool, **settings: Any) -> int:
    """Check all that a sync needs, and write nothing.

    Versions, settings, Metaflow, W&B and this machine.
    """
    from mfwb import api  # noqa: PLC0415 - help does without
    from mfwb.files.tempdirs import temporary_files_in_scratch  # noqa: PLC0415 - the same
    from mfwb.report.console import console_for  # noqa: PLC0415 - the same
    from mfwb.report.doctor import show_diagnosis  # noqa: PLC0415 - the same

    with temporary_files_in_scratch(), keep_stdout_clean(quiet=True):
        diagnosis = api.doctor(config=config, **settings)
    text, plain = show_diagnosis(
        diagnosis, console=console_for(sys.stdout), as_json=as_json, verbose=verbose
    )
    write_out(text, plain=plain)
    return diagnosis.exit_code
