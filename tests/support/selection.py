"""Tests that `-m` leaves out are not even made: they are more than those that run.

pytest makes each test of a matrix and then throws away those with a mark such as `exhaustive`. In
each worker that takes seconds of a processor. What is left out here, `-m` would leave out as well.
`Metafunc._calls` is private to pytest; seen in 9.1.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import pytest

__all__ = ["LeftOut", "marks_left_out"]

_NOT = re.compile(r"not (\w+)")


def marks_left_out(expression: str) -> frozenset[str]:
    """Return the marks of which each test is left out by an expression of `-m`.

    Only `not a and not b ...` is understood. For all others nothing is returned: then pytest alone
    decides.
    """
    found = [_NOT.fullmatch(part.strip()) for part in expression.split(" and ")]
    return frozenset(one[1] for one in found if one) if all(found) else frozenset()


class LeftOut:
    """A plugin that makes no test with one of some marks."""

    def __init__(self, marks: frozenset[str], tests: Path) -> None:
        """Leave tests out.

        Args:
            marks: of the tests that are not made.
            tests: the folder of the tests; a folder in it with the name of a mark has only tests
                with that mark, and is not read.
        """
        self._marks = marks
        self._folders = {tests / mark for mark in marks}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the folder of a mark."""
        return True if collection_path in self._folders else None

    def pytest_pycollect_makeitem(self, obj: object) -> list[pytest.Item] | None:
        """Leave out a function that has a mark; None: others decide."""
        return [] if self._is_out(_marks_of(obj)) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> Generator[None]:
        """Leave out calls whose parameters have a mark, whether of a test or of its fixtures.

        The parameters themselves stay, since pytest numbers them in the names of tests.
        """
        yield
        kept = [call for call in metafunc._calls if not self._is_out(call.marks)]  # noqa: SLF001
        if kept:  # without any, pytest makes a test without parameters
            metafunc._calls = kept  # noqa: SLF001

    def _is_out(self, marks: Iterable[pytest.Mark]) -> bool:
        return any(mark.name in self._marks for mark in marks)


def _marks_of(obj: object) -> Sequence[pytest.Mark]:
    """Return the marks of a function; not those that it gets from its module."""
    marks = getattr(obj, "pytestmark", ()) if callable(obj) else ()
    return marks if isinstance(marks, list) else ()
