"""What every command does: call, report, and say how it went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mfwb.cli.streams import (
    keep_stdout_clean,
    takes_all_letters,
    write_error,
    write_out,
    write_parts,
)

if TYPE_CHECKING:
    from mfwb.outcome import Result
    from mfwb.ports import Progress

__all__ = ["act", "tell"]


class _Call(Protocol):
    """`mfwb.api.sync` or `mfwb.api.plan`."""

    def __call__(  # noqa: PLR0913 - its arguments are the options
        self,
        *pathspecs: str,
        since: str | None,
        until: str | None,
        last: int | None,
        every: bool,
        tags: Sequence[str],
        failed: bool | None,
        config: Path | None,
        progress: Progress | None,
        **settings: Any,
    ) -> Result: ...


def act(  # noqa: PLR0913 - they are the options
    call: _Call,
    *,
    pathspecs: Sequence[str],
    since: str | None,
    until: str | None,
    last: int | None,
    every: bool,
    tags: Sequence[str],
    failed: bool | None,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **settings: Any,
) -> int:
    """Call, report, and return the exit code.

    Args:
        call: what does the work.
        pathspecs: which flow runs.
        since: only those that started then or later, as it was written.
        until: only those that started before, as it was written.
        last: of each flow, so many.
        every: all of them.
        tags: only those with all of these.
        failed: only those that failed, or the others; None: both.
        config: a settings file.
        as_json: print a document rather than text.
        quiet: print what failed or was lost, nothing else.
        verbose: print every W&B run in full.
        **settings: as said on the command line; None is not said.
    """
    from mfwb.config import load_settings  # noqa: PLC0415 - pydantic: help does without
    from mfwb.report import watch  # noqa: PLC0415 - rich: the same
    from mfwb.scratch import temporary_files_in_scratch  # noqa: PLC0415 - the same

    strict = load_settings(settings, file=config).strict
    with (
        temporary_files_in_scratch(),
        keep_stdout_clean(quiet=quiet),
        watch(quiet=quiet) as progress,
    ):
        result = call(
            *pathspecs,
            since=since,
            until=until,
            last=last,
            every=every,
            tags=tags,
            failed=failed,
            config=config,
            progress=progress,
            **settings,
        )
    return tell(result, as_json=as_json, quiet=quiet, verbose=verbose, strict=strict)


def tell(result: Result, *, as_json: bool, quiet: bool, verbose: bool, strict: bool) -> int:
    """Report, and return the exit code."""
    _report(result, as_json=as_json, quiet=quiet, verbose=verbose)
    return _exit_code(result, strict=strict)


def _report(result: Result, *, as_json: bool, quiet: bool, verbose: bool) -> None:
    from mfwb.report import complaints, console_for, to_json, to_text  # noqa: PLC0415 - as above

    if as_json or quiet:
        for line in complaints(result):
            write_error(line)
    if as_json:
        ascii_only = not takes_all_letters(sys.stdout)
        write_parts(to_json(result, ascii_only=ascii_only, indented=sys.stdout.isatty()))
    elif not quiet:
        write_out(to_text(result, console=console_for(sys.stdout), verbose=verbose))


_BUG = 70


def _exit_code(result: Result, *, strict: bool) -> int:
    if result.has_bugs:
        return _BUG
    if result.failed:
        return result.exit_code
    return 3 if strict and result.losses else 0
