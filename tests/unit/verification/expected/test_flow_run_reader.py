"""Attempts and the order of steps, from what Metaflow's client returns."""

from __future__ import annotations

import pytest

from mfwb.verification.expected.facts import AttemptFacts
from mfwb.verification.expected.flow_run_reader import read_attempts, sort_into_steps
from tests.unit.verification.expected.facts_of_tasks import task

_Row = tuple[str, str, int, str]


def _row(name: str, value: str, when: int) -> _Row:
    return name, value, when, name


@pytest.mark.parametrize(
    ("rows", "attempts"),
    [
        (
            [_row("attempt", "0", 1), _row("attempt_ok", "True", 5), _row("attempt-done", "0", 6)],
            [(0, True, 1, 6)],
        ),
        (
            [
                _row("attempt", "0", 1),
                _row("attempt_ok", "False", 2),
                _row("attempt", "1", 3),
                _row("attempt_ok", "True", 4),
            ],
            [(0, False, 1, 2), (1, True, 3, 4)],
        ),
        ([_row("attempt", "0", 1)], [(0, None, 1, None)]),
        ([_row("attempt_ok", "True", 2), _row("attempt", "0", 2)], [(0, True, 2, 2)]),
        ([], []),
    ],
    ids=["one", "a retry", "not ended", "the same millisecond", "none"],
)
def test_attempts(rows: list[_Row], attempts: list[tuple[int, bool | None, int, int]]) -> None:
    """An outcome names no attempt: it belongs to the one that began last before it."""
    assert read_attempts(rows) == tuple(AttemptFacts(*attempt) for attempt in attempts)


def test_steps() -> None:
    """A step comes after those that lead to it; its tasks are in the order of their indexes."""
    tasks = [
        task("end"),
        task("join", next_steps=("end",)),
        *(task("fit", f"{n}", indexes=(n,), next_steps=("join",)) for n in (10, 9)),
        task("start", next_steps=("fit",)),
        task("lost"),
    ]
    steps = sort_into_steps(tasks, "start")

    assert [step for step in steps if step != "lost"] == ["start", "fit", "join", "end"]
    assert [item.id for item in steps["fit"]] == ["9", "10"]
    assert "lost" in steps
