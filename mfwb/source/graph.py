"""Flow graph: Metaflow's `_graph_info`, and steps and tasks in the order of the graph.

Metaflow's client lists them newest first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mfwb.snapshot import GraphStep, Task
from mfwb.snapshot.identifiers import is_artifact_name, is_path_part
from mfwb.source.card_records import CardKind
from mfwb.source.typed_values import DamagedError, as_integer, cut, items, mapping, text

__all__ = ["GraphInfo", "sort_steps", "sort_tasks", "to_graph"]

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """Metaflow's `_graph_info`: the flow as Metaflow parsed it. Empty before Metaflow 2.4.9.

    Attributes:
        steps: in the order in which Metaflow lists them.
        docs: docstrings of steps, by name.
        retries: how many retries `@retry` and `@catch` give to each step, by name.
        cards: how many cards of a type and an id the decorators of a step make, by step.
        kinds: Metaflow's type names of parameters and constants, by name.
        is_recorded: whether the flow run has a `_graph_info`.
        file: the script.
        start_step: the first step.
        end_step: the last step.
        doc: of the flow.
    """

    steps: tuple[GraphStep, ...] = ()
    docs: Mapping[str, str] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    cards: Mapping[str, Mapping[CardKind, int]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    is_recorded: bool = False
    file: str = ""
    start_step: str = "start"
    end_step: str = "end"
    doc: str = ""


_DOC_LIMIT = 100_000  # characters
_PATH_LIMIT = 4_096


def to_graph(value: Any) -> GraphInfo:
    """Return the graph of a decoded `_graph_info`; DamagedError if it is not valid."""
    info = mapping(value, "_graph_info")
    if not info:
        return GraphInfo()
    nodes = {
        _step_name(name, "a step"): mapping(node, "a step of _graph_info")
        for name, node in mapping(info.get("steps"), "the steps of _graph_info").items()
    }
    return GraphInfo(
        steps=tuple(_to_step(name, node) for name, node in nodes.items()),
        docs={name: cut(node.get("doc"), _DOC_LIMIT) for name, node in nodes.items()},
        retries={name: _max_retries(node) for name, node in nodes.items()},
        cards={name: _declared_cards(node) for name, node in nodes.items()},
        kinds={
            **_parameter_kinds(info, "parameters", None),
            **_parameter_kinds(info, "constants", "constant"),
        },
        is_recorded=True,
        file=text(info.get("file") or "", "the file of _graph_info", max_length=_PATH_LIMIT),
        start_step=_step_name(info.get("start_step", "start"), "the first step"),
        end_step=_step_name(info.get("end_step", "end"), "the last step"),
        doc=cut(info.get("doc"), _DOC_LIMIT),
    )


def _to_step(name: str, node: Mapping[str, Any]) -> GraphStep:
    line = node.get("line")
    following = items(node.get("next"), "the next steps of a step")
    return GraphStep(
        name=name,
        type=_optional_text(node, "type"),
        line=None if line is None else as_integer(line, "the line of a step"),
        file=_optional_text(node, "source_file"),
        next=tuple(_step_name(entry, "a step") for entry in following),
        foreach=_optional_text(node, "foreach_artifact"),
        condition=_optional_text(node, "condition"),
    )


def _optional_text(node: Mapping[str, Any], name: str) -> str | None:
    """Return a text field of a step; None if it is missing or not a text: a condition may be."""
    value = node.get(name)
    return (
        text(value, f"{name} of a step", max_length=_PATH_LIMIT) if isinstance(value, str) else None
    )


def _step_name(value: Any, what: str) -> str:
    if not is_path_part(value):
        raise DamagedError(f"{what} of _graph_info has a name that no step can have")
    return str(value)


def _parameter_kinds(info: Mapping[str, Any], field: str, kind: str | None) -> dict[str, str]:
    """Return the types of the parameters or the constants, by name."""
    result = {}
    for each in items(info.get(field), f"the {field} of _graph_info"):
        entry = mapping(each, f"one of the {field} of _graph_info")
        name = entry.get("name")
        if not is_artifact_name(name):
            raise DamagedError(f"one of the {field} of _graph_info has no name")
        result[str(name)] = kind or text(
            entry.get("type"), "the type of a parameter", max_length=100
        )
    return result


_RETRIES_LIMIT = 1_000
_RETRIES_OF_CATCH = 3
"""Retries that `@catch` adds in 2.19.39, for attempts that died before it could catch anything."""


def _max_retries(node: Mapping[str, Any]) -> int:
    """Return how many retries the decorators of a step allow."""
    times = 0
    for attributes in _decorators(node, "retry"):
        value = attributes.get("times")
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = int(value)
        times = max(0, min(value, _RETRIES_LIMIT)) if type(value) is int else 0
    catches = any(True for _ in _decorators(node, "catch"))
    return times + (_RETRIES_OF_CATCH if catches else 0)


_CARD_ID = re.compile(r"\w+", re.ASCII)
"""What Metaflow accepts as id of a card; it ignores any other, and writes None as text."""


def _declared_cards(node: Mapping[str, Any]) -> dict[CardKind, int]:
    """Return how many cards of a type and an id the decorators of a step make."""
    result: Counter[CardKind] = Counter()
    for attributes in _decorators(node, "card"):
        kind, name = attributes.get("type"), attributes.get("id")
        if isinstance(kind, str):
            is_id = isinstance(name, str) and name != "None" and _CARD_ID.fullmatch(name)
            result[kind, str(name) if is_id else None] += 1
    return dict(result)


def _decorators(node: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of a step's decorators of that name."""
    for each in items(node.get("decorators"), "the decorators of a step"):
        decorator = mapping(each, "a decorator of a step")
        if decorator.get("name") == name:
            yield mapping(decorator.get("attributes"), f"the attributes of @{name}")


def sort_steps(tasks: Iterable[Task], start: str) -> list[str]:
    """Return the names of the steps that ran, each after the steps before it in the graph.

    The order comes from the transitions that the tasks took, since a resumed flow run records the
    graph of its origin. In a cycle (recursion) the step that ran first comes first.
    """
    following: dict[str, set[str]] = {}
    for task in tasks:
        steps = task.transition.steps if task.transition else ()
        following.setdefault(task.step, set()).update(steps)
    post_order: list[str] = []
    visited: set[str] = set()
    for first in (start, *sorted(following)):
        if first in following:
            _visit(first, following, visited, post_order)
    return post_order[::-1]


def _visit(
    first: str, following: dict[str, set[str]], visited: set[str], post_order: list[str]
) -> None:
    """Walk depth first and append each step in post-order, which is the reverse of the result."""
    if first in visited:
        return
    visited.add(first)
    trail = [(first, iter(sorted(following[first], reverse=True)))]
    while trail:
        step, rest = trail[-1]
        upcoming = next((name for name in rest if name in following and name not in visited), None)
        if upcoming is None:
            post_order.append(step)
            trail.pop()
        else:
            visited.add(upcoming)
            trail.append((upcoming, iter(sorted(following[upcoming], reverse=True))))


def sort_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return tasks of one step by foreach position, then round, then id; control tasks last."""
    return tuple(
        sorted(
            tasks,
            key=lambda task: (
                task.is_control,
                tuple(frame.index for frame in task.foreach),
                task.rounds,
                len(task.id),  # ids are numbers more often than not: 9 before 10
                task.id,
            ),
        )
    )
