"""The files that CI reads: a JUnit report, and a summary in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mfwb.errors import MfwbError, UsageError

__all__ = ["ReportFiles"]

_MODE = 0o644  # whoever shows a report may be another user


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where to write reports for CI; None: nowhere.

    Attributes:
        report: the JUnit report, which replaces an earlier one in one step.
        summary: the summary, which is appended, as other steps of the job have summaries, too.
    """

    report: Path | None = None
    summary: Path | None = None

    def check(self) -> None:
        """Raise UsageError if a file can't be written because its folder does not exist."""
        for option, path in (("--report", self.report), ("--summary", self.summary)):
            if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
                raise UsageError(f"{option}: {path} is no file in a folder that exists")

    def write(self, junit: str, markdown: str) -> None:
        """Write both texts to the files that were asked for; MfwbError if that fails."""
        from mfwb.files.output_files import write_output  # noqa: PLC0415 - not needed for help

        try:
            if self.report is not None:
                write_output(self.report, junit.encode(), _MODE)
            if self.summary is not None:
                with self.summary.open("a", encoding="utf-8") as file:
                    file.write(markdown)
        except OSError as error:
            raise MfwbError(f"a report can't be written: {error}") from error
