"""`mfwb verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.report_files import ReportFiles
from mfwb.cli.run import errors_in
from mfwb.cli.streams import keep_stdout_clean, write_error, write_out

if TYPE_CHECKING:
    from mfwb.verification_outcome import Verification

__all__ = ["verify"]

_EXAMPLES = """\
mfwb verify TrainFlow/123
mfwb verify TrainFlow --since 30d --read-data-subset 5% --json
mfwb verify TrainFlow/123 --read-data --repair
mfwb verify --mode offline --dir bundle
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.destination
@options.artifact_handling
@options.verification
@options.verification_output
def verify(  # noqa: PLR0913 - the options of this command alone
    *,
    config: Path | None,
    read_data: bool,
    read_data_subset: str | None,
    repair: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    report: Path | None,
    summary: Path | None,
    **given: Any,
) -> int:
    """Read W&B back and prove that it says what Metaflow says.

    Worked out from Metaflow alone, and compared item by item. Give the options that
    the sync had. Exit code 6: something differs.
    """
    from mfwb import api  # noqa: PLC0415 - help does without
    from mfwb.arguments import read_subset  # noqa: PLC0415 - the same
    from mfwb.config import load_settings  # noqa: PLC0415 - the same
    from mfwb.files.tempdirs import temporary_files_in_scratch  # noqa: PLC0415 - the same
    from mfwb.pipeline.selection import SELECTORS  # noqa: PLC0415 - the same
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - the same

    files = ReportFiles(report, summary)
    files.check()
    reported: set[str] = set()
    result_follows = not as_json and sys.stdout.isatty()
    selectors = {name: given.pop(name) for name in SELECTORS}
    settings = load_settings(given, file=config)
    selection = api.verified_selection(selectors, settings)
    with (
        errors_in(files),
        temporary_files_in_scratch(),
        keep_stdout_clean(quiet=quiet),
        progress_on_stderr(
            quiet=quiet, result_follows=result_follows, reported=reported
        ) as progress,
    ):
        verification = api.verify_selection(
            selection,
            settings,
            progress,
            read_data=read_subset(read_data_subset or read_data),
            repair=repair,
        )
    _report(verification, reported, as_json=as_json, quiet=quiet, verbose=verbose)
    _write_files(files, verification)
    return verification.exit_code


def _report(
    verification: Verification, reported: set[str], *, as_json: bool, quiet: bool, verbose: bool
) -> None:
    from mfwb.report.console import console_for  # noqa: PLC0415 - as above
    from mfwb.report.verification import problem_lines, show_document, show_text  # noqa: PLC0415

    if as_json or quiet:
        for line in problem_lines(verification, reported):
            write_error(line)
    if as_json:
        text, plain = show_document(verification)
        write_out(text, plain=plain)
    elif not quiet:
        write_out(show_text(verification, console=console_for(sys.stdout), verbose=verbose))


def _write_files(files: ReportFiles, verification: Verification) -> None:
    if files == ReportFiles():
        return
    from mfwb.report.verification import (  # noqa: PLC0415 - as above
        verification_to_junit,
        verification_to_markdown,
    )

    files.write(verification_to_junit(verification), verification_to_markdown(verification))
