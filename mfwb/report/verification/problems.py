"""Problems of a verification: the lines that are printed even with --quiet."""

from __future__ import annotations

from collections.abc import Collection

from mfwb.report.problems import difference_line
from mfwb.safe_text import one_line
from mfwb.verification_outcome import Verification

__all__ = ["problem_lines"]


def problem_lines(verification: Verification, reported: Collection[str] = ()) -> list[str]:
    """Return a line for each flow run that differs or that could not be verified.

    Args:
        verification: the result.
        reported: pathspecs of flow runs whose line was printed when they were verified.
    """
    lines = (difference_line(run) for run in verification.flow_runs if run.pathspec not in reported)
    return [*map(one_line, verification.notes), *filter(None, lines)]
