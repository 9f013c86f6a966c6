"""Problems of a verification: the lines that are printed even with --quiet."""

from __future__ import annotations

from mfwb.report.format import count
from mfwb.safe_text import one_line
from mfwb.verification_outcome import Verdict, Verification

__all__ = ["problem_lines"]


def problem_lines(verification: Verification) -> list[str]:
    """Return a line for each flow run that differs or that could not be verified."""
    lines = [one_line(note) for note in verification.notes]
    for run in verification.flow_runs:
        if run.verdict is Verdict.FAILED:
            lines.append(f"{run.pathspec} can't be verified: {one_line(run.reason or '')}")
        if run.verdict is Verdict.DIFFERENT:
            first = one_line(run.differences[0].item, 80) if run.differences else "?"
            lines.append(
                f"{run.pathspec} differs: {count(len(run.differences), 'difference')}, "
                f"the first is {first}"
            )
    return lines
