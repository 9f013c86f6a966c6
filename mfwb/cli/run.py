"""Run a command: call the API, print the result, and return the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfwb.cli.report_files import ReportFiles
from mfwb.cli.streams import (
    can_encode_all_letters,
    keep_stdout_clean,
    write_error,
    write_out,
    write_parts,
)
from mfwb.errors import MfwbError

if TYPE_CHECKING:
    from mfwb.config import Settings
    from mfwb.outcome import Result
    from mfwb.pipeline.selection import Selection
    from mfwb.ports import Progress

__all__ = ["errors_in", "run_command", "run_plan_file", "run_with_selection"]


def run_with_selection(  # noqa: PLR0913 - the options of each command that selects
    call: Callable[[Selection, Settings, Progress], Result],
    *,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    shard: str | None = None,
    **options: Any,
) -> int:
    """Call with a selection of flow runs, print the result, and return the exit code.

    Args:
        call: does the work.
        config: a settings file.
        as_json: print a JSON document rather than text.
        quiet: print failures and losses, nothing else.
        verbose: print every W&B run in full.
        shard: the part of the selected flow runs, as 3/20; None: all.
        **options: options that select flow runs, and settings; None: not given.
    """
    from mfwb.pipeline.selection import SELECTORS, make_selection, read_shard  # noqa: PLC0415 - not needed for help

    selectors = {name: options.pop(name) for name in SELECTORS}
    part = read_shard(shard)

    def call_with(settings: Settings, progress: Progress) -> Result:
        selection = make_selection(**selectors, namespace=settings.namespace)
        return call(replace(selection, shard=part), settings, progress)

    return run_command(
        call_with, config=config, as_json=as_json, quiet=quiet, verbose=verbose, **options
    )


def run_plan_file(path: Path, **options: Any) -> int:
    """Carry out a plan file, print the result, and return the exit code.

    Args:
        path: the plan file.
        **options: as of `run_with_selection`; no flow runs may be selected.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.pipeline.selection import SELECTORS  # noqa: PLC0415 - the same

    plan = api.plan_with_flags(path, {name: options.pop(name) for name in SELECTORS})
    given = {name: value for name, value in options.items() if value is not None}
    everything: dict[str, Any] = {"config": None, **plan.flags, **given}
    return run_command(partial(api.apply_plan_file, plan), **everything)


def run_command(  # noqa: PLR0913 - the options of each command that has a result
    call: Callable[[Settings, Progress], Result],
    *,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    report: Path | None = None,
    summary: Path | None = None,
    **settings: Any,
) -> int:
    """Call, print the result, and return the exit code; arguments as of `run_with_selection`.

    Args:
        call: does the work.
        config: a settings file.
        as_json: print a JSON document rather than text.
        quiet: print failures and losses, nothing else.
        verbose: print every W&B run in full.
        report: a file for a JUnit report.
        summary: a file to which a summary in Markdown is appended.
        **settings: settings; None: not given.
    """
    from mfwb.config import load_settings  # noqa: PLC0415 - pydantic: not needed for help
    from mfwb.files.tempdirs import temporary_files_in_scratch  # noqa: PLC0415 - the same
    from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - rich: the same

    files = ReportFiles(report, summary)
    files.check()
    reported: set[str] = set()
    result_follows = not as_json and sys.stdout.isatty()
    resolved = load_settings(settings, file=config)
    with (
        errors_in(files),
        temporary_files_in_scratch(),
        keep_stdout_clean(quiet=quiet),
        progress_on_stderr(
            quiet=quiet, result_follows=result_follows, reported=reported
        ) as progress,
    ):
        result = call(resolved, progress)
    _report(result, reported, as_json=as_json, quiet=quiet, verbose=verbose)
    _write_files(files, result, strict=resolved.strict)
    return _exit_code(result, strict=resolved.strict)


def _write_files(files: ReportFiles, result: Result, *, strict: bool) -> None:
    if files == ReportFiles():
        return
    from mfwb.report.result.cases import result_to_junit  # noqa: PLC0415 - as above
    from mfwb.report.result.summary import result_to_markdown  # noqa: PLC0415 - as above

    files.write(result_to_junit(result, strict=strict), result_to_markdown(result))


@contextmanager
def errors_in(files: ReportFiles) -> Iterator[None]:
    """Write an error that ends the call into the files, so that none of an earlier call stays."""
    try:
        yield
    except Exception as error:
        if files != ReportFiles():
            from mfwb.report.result.cases import error_to_junit  # noqa: PLC0415 - as above
            from mfwb.report.result.summary import error_to_markdown  # noqa: PLC0415 - as above

            with suppress(MfwbError):  # the first error is the one that counts
                files.write(error_to_junit(error), error_to_markdown(error))
        raise


def _report(
    result: Result, reported: set[str], *, as_json: bool, quiet: bool, verbose: bool
) -> None:
    from mfwb.operations import noted  # noqa: PLC0415 - as above

    if as_json or quiet:
        from mfwb.report.problems import problem_lines  # noqa: PLC0415 - as above

        for line in problem_lines(result, reported):
            write_error(line)
    if as_json:
        from mfwb.report.result.document import to_json  # noqa: PLC0415 - as above

        ascii_only = not can_encode_all_letters(sys.stdout)
        write_parts(to_json(result, ascii_only=ascii_only, indented=sys.stdout.isatty()))
    elif not quiet:
        from mfwb.report.console import console_for  # noqa: PLC0415 - rich
        from mfwb.report.result.text import to_text  # noqa: PLC0415 - rich

        with noted("report", "text"):
            text = to_text(result, console=console_for(sys.stdout), verbose=verbose)
        write_out(text)


def _exit_code(result: Result, *, strict: bool) -> int:
    if result.exit_code:
        return result.exit_code
    return 3 if strict and result.has_losses else 0
