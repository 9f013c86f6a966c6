"""`mfwb report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfwb.cli import options
from mfwb.cli.browser import open_in_browser
from mfwb.cli.help import Command
from mfwb.cli.streams import keep_stdout_clean, write_bytes, write_error, write_out

if TYPE_CHECKING:
    from mfwb.report.html import HtmlReport
    from mfwb.report.html.file_document_types import ReportDocument

__all__ = ["report"]

_EXAMPLES = """\
mfwb report TrainFlow/latest --open          the newest one, in the browser
mfwb report TrainFlow/123 -o run.html        one flow run, in this file
mfwb report TrainFlow --last 5 -o five.html  the newest five, compared
"""

_STDOUT = Path("-")


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.source
@options.html_output
def report(  # noqa: PLR0913 - they are the options
    *,
    pathspecs: tuple[str, ...],
    output: Path | None,
    opened: bool,
    as_json: bool,
    config: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Write a page of HTML about one flow run, or about several.

    Several flow runs are compared. The page needs no other file and no network. W&B is
    not contacted.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - the same

    is_stdout = output == _STDOUT
    if is_stdout and (as_json or opened):
        raise click.UsageError("-o - writes the page on stdout: leave out --json and --open")
    _check_folder(None if is_stdout else output)
    with keep_stdout_clean(quiet=quiet), progress_on_stderr(quiet=quiet) as progress:
        made = api.report(*pathspecs, config=config, progress=progress, **given)
    if is_stdout:
        write_bytes(made.data)
        return 0
    path = made.save(output)
    text, plain = _document(made, path) if as_json else (f"{path}\n", None)
    write_out(text, plain=plain)
    if opened:
        with keep_stdout_clean(quiet=True):  # of what a browser prints
            has_browser = open_in_browser(path.resolve().as_uri())
        if not has_browser:
            write_error(f"no browser can be started; open {path} yourself")
    return 0


def _check_folder(output: Path | None) -> None:
    """Raise an error if the page can't be written because its folder does not exist."""
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise click.UsageError(f"--output: {output} is no file in a folder that exists")


def _document(made: HtmlReport, path: Path) -> tuple[str, str]:
    from mfwb.report.json_output import for_any_output  # noqa: PLC0415 - as above

    document: ReportDocument = {
        "version": 1,
        "command": "report",
        "path": str(path),
        "bytes": len(made.data),
        "flow_runs": list(made.flow_runs),
    }
    return for_any_output(document)
