"""Skips of a matrix are counted: one that skips too much tests less than it says.

A point is skipped where its request does not come that often. That hangs on how wandb-core puts
requests together, so each matrix has a bound rather than a list. It counts only if the whole matrix
ran: nothing can be said of a selection.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from math import prod

import pytest

__all__ = ["MOST_SKIPPED", "SkipBounds", "size_of"]

_FAULTS = "tests/faults/"

MOST_SKIPPED: Mapping[str, int] = {
    # Counted: what one clean sync sends of each kind is too little for 54 of the 248 points. Of
    # `file_stream` the numbered flow sends four; if rows come together the two points of the third
    # one are missing, too.
    f"{_FAULTS}test_kills.py::test_killed_at_a_request": 54 + 2,
    # The server asks for one row at a time, so each of the three comes by itself: a full run of
    # this matrix and of the one for `push`, 108 points, skipped none.
    f"{_FAULTS}test_kills.py::test_killed_between_rows": 0,
    # Counted: nothing sends `UpdateArtifact` in that flow, for which there are five answers. With
    # the points above, and rows apart, that makes 59; the last full run skipped 56.
    f"{_FAULTS}test_answers.py::test_an_answer_that_is_none": 5,
}
"""How many points of each matrix may be skipped."""


class SkipBounds:
    """Fails a run of tests in which a whole matrix was skipped more than it may.

    With xdist it is the process that hands out the tests which hears of all of them.
    """

    def __init__(self, bounds: Mapping[str, int], size_of: Callable[[str], int]) -> None:
        """Watch some matrices.

        Args:
            bounds: how many points of each may be skipped, by the id of its test.
            size_of: says how many points one has.
        """
        self._bounds = bounds
        self._size_of = size_of
        self._skipped: defaultdict[str, dict[str, bool]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a point."""
        matrix = report.nodeid.partition("[")[0]
        if matrix in self._bounds and (report.when == "call" or report.skipped):
            self._skipped[matrix][report.nodeid] = report.skipped

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail if there is something to complain of."""
        if self.complaints() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say it."""
        for line in self.complaints():
            terminalreporter.write_line(line, red=True)

    def complaints(self) -> list[str]:
        """Return a line for each matrix that ran as a whole and skipped too much."""
        return [
            f"{matrix}: {sum(points.values())} of {len(points)} points were skipped, and at most "
            f"{self._bounds[matrix]} may be"
            for matrix, points in self._skipped.items()
            if sum(points.values()) > self._bounds[matrix]
            if len(points) == self._size_of(matrix)
        ]


def size_of(matrix: str) -> int:
    """Return how many points a matrix has, those that are not in the sample included."""
    path, _, name = matrix.partition("::")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    marks = getattr(module, name).pytestmark
    return prod(len(mark.args[1]) for mark in marks if mark.name == "parametrize")
