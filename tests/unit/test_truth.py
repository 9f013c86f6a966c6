"""The truth that records add up to, and that a wrong answer is seen to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.truth.answers import Answer, parse
from tests.support.truth.comparison import Comparison, compare
from tests.support.truth.expected import Truth, Use, follow
from tests.support.truth.records import Record

START, LEFT, RIGHT, JOIN, END = (
    f"F/1/{task}" for task in ("start/1", "left/2", "right/3", "join/4", "end/5")
)
GIVEN = "F/1/_parameters"


def record(pathspec: str, *parents: str, **facts: Any) -> Record:
    """Return the record of a task that did nothing but what is said."""
    nothing: dict[str, Any] = {
        "is_join": False,
        "given": frozenset({"rate"}),
        "persisted": True,
        "handed_on": {},
        "merged": {},
        **dict.fromkeys(("reads", "input_reads", "foreach_reads"), frozenset()),
        **dict.fromkeys(("assigned", "mutated"), frozenset()),
    }
    return Record(pathspec=pathspec, parents=frozenset(parents), **{**nothing, **facts})


@pytest.fixture
def truth() -> Truth:
    """Return the truth about a split whose branches write, change, and leave alone."""
    records = [
        record(START, assigned=frozenset({"base", "log", "x"})),
        record(LEFT, START, reads=frozenset({"base", "rate"}), assigned=frozenset({"x"})),
        record(RIGHT, START, reads=frozenset({"log"}), mutated=frozenset({"log"})),
        record(
            JOIN,
            LEFT,
            RIGHT,
            is_join=True,
            input_reads=frozenset({(LEFT, "x"), (RIGHT, "log")}),
            assigned=frozenset({"x", "log"}),
            handed_on={"x": (LEFT,)},
            merged={"base": (LEFT, RIGHT)},
        ),
        record(END, JOIN, reads=frozenset({"base", "x", "log"})),
    ]
    return follow({item.pathspec: item for item in records})


def right_answer() -> Answer:
    """Return what mfwb ought to say."""
    tasks: Mapping[str, tuple[list[str], list[str], list[str]]] = {
        START: ([], [], ["base", "log", "x"]),
        LEFT: ([START], ["base", "rate"], ["x"]),
        RIGHT: ([START], ["log"], ["log"]),
        JOIN: ([RIGHT, LEFT], ["x", "log"], ["log"]),
        END: ([JOIN], ["base", "x", "log"], []),
    }
    edges = [
        *((LEFT, "base", START), (LEFT, "rate", GIVEN), (RIGHT, "log", START)),
        *((JOIN, "x", LEFT), (JOIN, "log", RIGHT)),
        *((END, "base", START), (END, "x", LEFT), (END, "log", JOIN)),
    ]
    return parse(
        {
            "tasks": [
                {"pathspec": task, "parents": parents, "reads": reads, "writes": writes}
                for task, (parents, reads, writes) in tasks.items()
            ],
            "edges": [
                {"consumer": consumer, "artifact": name, "producer": producer, "ground": "read"}
                for consumer, name, producer in edges
            ],
        }
    )


def test_truth_follows_what_passes_through(truth: Truth) -> None:
    """Merged and handed on, an artifact keeps its producer; changed in place, it gets a new one."""
    assert truth.uses >= {
        Use(END, "base", frozenset({START})),
        Use(END, "x", frozenset({LEFT})),
        Use(END, "log", frozenset({JOIN})),
        Use(JOIN, "log", frozenset({RIGHT})),
        Use(LEFT, "rate", frozenset({GIVEN})),
    }


def test_the_right_answer_is_right(truth: Truth) -> None:
    """Nothing to say about it."""
    compared = compare(right_answer(), truth)

    assert compared.parents == compared.tasks == 5
    assert compared.found == compared.read == 8
    assert compared.producers == compared.edges
    assert _complaints(compared) == set()


def _without(answer: Answer, consumer: str, name: str) -> frozenset[Any]:
    return frozenset(
        edge for edge in answer.edges if (edge.consumer, edge.artifact) != (consumer, name)
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("parent", "wrong_parents"),
        ("lost task", "wrong_parents"),
        ("lost read", "missed_reads"),
        ("lost edge", "missed_reads"),
        ("not known, lost edge", "missed_reads"),
        ("extra read", "extra_reads"),
        ("producer", "wrong_producers"),
        ("lost write", "wrong_producers"),
        ("extra write", "wrong_producers"),
    ],
)
def test_a_wrong_answer_is_seen(truth: Truth, change: str, complaint: str) -> None:
    """Each way to be wrong is told by its name."""
    answer = right_answer()
    [edge] = [item for item in answer.edges if (item.consumer, item.artifact) == (END, "x")]
    rest = _without(answer, END, "x")
    wrong: dict[str, dict[str, Any]] = {
        "parent": {"parents": {**answer.parents, END: frozenset({LEFT})}},
        "lost task": {"parents": {k: v for k, v in answer.parents.items() if k != END}},
        "lost read": {"reads": {**answer.reads, END: frozenset({"base", "log"})}},
        "lost edge": {"edges": rest},
        "not known, lost edge": {"reads": {**answer.reads, END: None}, "edges": rest},
        "extra read": {"reads": {**answer.reads, LEFT: frozenset({"base", "rate", "log"})}},
        "producer": {"edges": rest | {replace(edge, producer=JOIN)}},
        "lost write": {"writes": {**answer.writes, RIGHT: frozenset()}},
        "extra write": {"writes": {**answer.writes, JOIN: frozenset({"x", "log"})}},
    }

    assert complaint in _complaints(compare(replace(answer, **wrong[change]), truth))


def _complaints(compared: Comparison) -> set[str]:
    return {kind for kind, lines in vars(compared).items() if isinstance(lines, list) and lines}
