"""Comparison of mfwb's lineage with the true lineage, counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tests.support.truth.answers import Answer, Edge
from tests.support.truth.expected import Truth

__all__ = ["Comparison", "compare", "total"]


@dataclass
class Comparison:
    """Counts, and in words what is wrong.

    Attributes:
        tasks: how many there are.
        parents: how many of them have exactly the true parents.
        not_known: tasks whose reads mfwb does not claim to know.
        read: artifacts that the other tasks truly read, counted by task.
        found: those of them that mfwb says were read.
        extra: what mfwb says was read, and was not.
        edges: what mfwb says of who produced what was used, and of who wrote what is held.
        producers: how many of these are right.
        unused: edges of tasks whose reads are known, to a version that the task did not read.
        wrong_parents: in words; and so on.
    """

    tasks: int = 0
    parents: int = 0
    not_known: int = 0
    read: int = 0
    found: int = 0
    extra: int = 0
    edges: int = 0
    producers: int = 0
    unused: int = 0
    wrong_parents: list[str] = field(default_factory=list)
    missed_reads: list[str] = field(default_factory=list)
    extra_reads: list[str] = field(default_factory=list)
    wrong_producers: list[str] = field(default_factory=list)
    unused_edges: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Which part of what mfwb says was read really was."""
        reported = self.found + self.extra
        return self.found / reported if reported else 1.0


def compare(answer: Answer, truth: Truth) -> Comparison:
    """Return how far the answer is true."""
    result = Comparison(tasks=len(truth.parents))
    _compare_parents(answer, truth, result)
    _compare_reads(answer, truth, result)
    _compare_edges(answer, truth, result)
    _compare_writes(answer, truth, result)
    return result


def total(comparisons: list[Comparison]) -> Comparison:
    """Return the sum of all."""
    whole = Comparison()
    for comparison in comparisons:
        for name, count in vars(comparison).items():
            setattr(whole, name, getattr(whole, name) + count)
    return whole


def _compare_parents(answer: Answer, truth: Truth, result: Comparison) -> None:
    for task in sorted(truth.parents.keys() | answer.parents.keys()):
        true, reported = truth.parents.get(task), answer.parents.get(task)
        if true == reported:
            result.parents += 1
        else:
            result.wrong_parents.append(f"{task} has {_names(true)}, said {_names(reported)}")


def _compare_reads(answer: Answer, truth: Truth, result: Comparison) -> None:
    for task, true in sorted(truth.reads.items()):
        reported = answer.reads.get(task)
        if reported is None:
            result.not_known += 1
            continue
        # What only `self.input` looked at may be said to be read, and need not.
        result.read += len(true)
        result.found += len(true & reported)
        result.missed_reads += [f"{task} read {name}" for name in sorted(true - reported)]
        extra = sorted(reported - true - truth.by_foreach[task])
        result.extra += len(extra)
        result.extra_reads += [f"{task} did not read {name}" for name in extra]


def _compare_edges(answer: Answer, truth: Truth, result: Comparison) -> None:
    reported: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in sorted(answer.edges):
        reported[edge.consumer, edge.artifact].append(edge)
    used: dict[tuple[str, str], set[str]] = defaultdict(set)
    for use in truth.uses:
        used[use.consumer, use.artifact] |= use.producers
        if not use.producers & {edge.producer for edge in reported[use.consumer, use.artifact]}:
            who = f"{use.consumer} used {use.artifact} of {_names(use.producers)}"
            if reported[use.consumer, use.artifact]:
                result.edges += 1
                result.wrong_producers.append(who)
            else:
                result.missed_reads.append(f"{who}: no edge")
    for (consumer, artifact), edges in reported.items():
        true = truth.offered.get(consumer, {}).get(artifact, frozenset())
        for edge in edges:
            result.edges += 1
            what = f"{consumer} used {artifact} of {edge.producer} ({edge.ground})"
            if edge.producer in true:
                result.producers += 1
            else:
                result.wrong_producers.append(f"{what}; true is {_names(true)}")
            known = answer.reads.get(consumer) is not None
            if known and edge.producer not in used[consumer, artifact]:
                result.unused += 1
                result.unused_edges.append(what)


def _compare_writes(answer: Answer, truth: Truth, result: Comparison) -> None:
    for task in sorted(truth.persisted):
        held = truth.holdings[task]
        reported = answer.writes.get(task, frozenset())
        for name in sorted(held.keys() | reported):
            who = held.get(name, frozenset())
            result.edges += 1
            if name in reported and task not in who:
                word = "written"
            elif name not in reported and who == {task}:
                word = "not written"
            else:
                result.producers += 1
                continue
            result.wrong_producers.append(
                f"{task} is said to have {word} {name}; true is {_names(who)}"
            )


def _names(pathspecs: frozenset[str] | None) -> str:
    if pathspecs is None:
        return "no such task"
    return " or ".join(sorted(pathspecs)) or "nobody"
