"""Names of tasks, sizes, types and values, as the reports show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mfwb.report.format import human_size
from mfwb.safe_text import one_line
from mfwb.snapshot import ArtifactRef
from mfwb.snapshot.pathspec import below_flow_run

__all__ = ["TIMES", "join_names", "name_tasks", "size_of", "task_name", "type_of", "value_of"]

TIMES = "\N{MULTIPLICATION SIGN}"

_FEW = 3
_LONGEST_VALUE = 40


def task_name(pathspec: str) -> str:
    """Return `train/4` of `Flow/123/train/4`."""
    return one_line(below_flow_run(pathspec))


def name_tasks(pathspecs: Collection[str], step: str, total: int) -> str:
    """Return the name of some tasks of a step.

    `train` if the step has one task, else `train/4` or, with a sign for times, `train x 3 tasks`
    or `train x 3 of 12 tasks`.

    Args:
        pathspecs: pathspecs of the tasks, at least one.
        step: the step of all of them.
        total: the number of all tasks of the step.
    """
    if total == 1:
        return one_line(step)
    if len(pathspecs) == 1:
        return task_name(next(iter(pathspecs)))
    some = f"{len(pathspecs):,}" if len(pathspecs) == total else f"{len(pathspecs):,} of {total:,}"
    return f"{one_line(step)} {TIMES} {some} tasks"


def join_names(items: Sequence[str], max_items: int = _FEW) -> str:
    """Return `a`, `a and b`, `a, b and c`; for too many, the first ones and how many more."""
    if len(items) > max_items:
        return f"{', '.join(items[:max_items])} and {len(items) - max_items:,} more"
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} and {items[-1]}"


def type_of(refs: Iterable[ArtifactRef]) -> str:
    """Return `DataFrame`; `int or str` where tasks differ."""
    names = {one_line(ref.type.rpartition(".")[2]) or "?" for ref in refs}
    return " or ".join(sorted(names))


def size_of(refs: Sequence[ArtifactRef]) -> str:
    """Return `12 KB`, `12 KB each`, `12 to 340 KB`, `12 KB to 1.3 MB`."""
    smallest = human_size(min(ref.size for ref in refs))
    largest = human_size(max(ref.size for ref in refs))
    if smallest == largest:
        return smallest if len(refs) == 1 else f"{smallest} each"
    number, _, unit = smallest.partition(" ")
    return f"{number if largest.endswith(f' {unit}') else smallest} to {largest}"


def value_of(value: Any) -> str:
    """Return the value of a parameter, shortened."""
    text = one_line(repr(value))
    if len(text) <= _LONGEST_VALUE:
        return text
    return text[: _LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"
