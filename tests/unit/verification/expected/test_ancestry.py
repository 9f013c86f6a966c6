"""The parents of tasks, from what the tasks recorded."""

from __future__ import annotations

from typing import Any

from mfwb.verification.expected.ancestry import find_parents
from tests.unit.verification.expected.facts_of_tasks import flow_run, task


def _parents(*tasks: Any) -> dict[str, list[str]]:
    return {
        path.removeprefix("F/1/"): [parent.path.removeprefix("F/1/") for parent in parents]
        for path, parents in find_parents(flow_run(*tasks)).items()
    }


def test_a_foreach_and_its_join() -> None:
    """Each task of a foreach follows the one that began it; the join follows all of them."""
    tasks = [
        task("start", next_steps=("fit",), foreach="rates"),
        *(task("fit", f"{n}", next_steps=("join",), indexes=(n,)) for n in range(2)),
        task("join", next_steps=("end",)),
        task("end"),
    ]

    assert _parents(*tasks) == {
        "start/0": [],
        "fit/0": ["start/0"],
        "fit/1": ["start/0"],
        "join/0": ["fit/0", "fit/1"],
        "end/0": ["join/0"],
    }


def test_a_nested_foreach_joins_its_own_tasks() -> None:
    """A join has the indexes of the foreach around it, and follows only tasks with the same."""
    tasks = [
        *(
            task("inner", f"{a}{b}", next_steps=("join",), indexes=(a, b))
            for a in range(2)
            for b in range(2)
        ),
        *(task("join", f"{a}", indexes=(a,)) for a in range(2)),
    ]

    parents = _parents(*tasks)

    assert parents["join/0"] == ["inner/00", "inner/01"]
    assert parents["join/1"] == ["inner/10", "inner/11"]


def test_rounds_of_a_recursion() -> None:
    """Each round follows the previous round, and the first one the step before the recursion."""
    tasks = [
        task("start", next_steps=("loop",)),
        *(task("loop", f"{n}", next_steps=("loop", "end"), rounds=(n,)) for n in range(3)),
    ]

    assert _parents(*tasks) == {
        "start/0": [],
        "loop/0": ["start/0"],
        "loop/1": ["loop/0"],
        "loop/2": ["loop/1"],
    }
