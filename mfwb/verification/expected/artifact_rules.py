"""What the rules of the settings should give to the artifacts of a flow run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mfwb.conditions import (
    MissingNameError,
    NoResultError,
    find_value,
    holds,
    parse_condition,
)
from mfwb.config import ArtifactRules
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.model import ExpectedArtifact, ExpectedRule, ExpectedValue
from mfwb.verification.expected.run_values import statistics
from mfwb.verification.expected.value_reader import PickledValue
from mfwb.verification.expected.wording import ANY, SET, put

__all__ = ["RuleExpectations"]

_LONG = 5_000  # characters of JSON; metadata of about twice as many is left out
_KEYS_OF_MFWB = ("metaflow", "mfwb", "_wandb")


class RuleExpectations:
    """Applies the rules to the artifacts of a flow run."""

    def __init__(
        self,
        facts: FlowRunFacts,
        rules: Mapping[str, ArtifactRules],
        contents: Contents,
        is_value: Callable[[TaskFacts, str], bool],
    ) -> None:
        """Start with the rules by pattern, specific ones first, and what tells values by name."""
        self._facts = facts
        self._rules = rules
        self._contents = contents
        self._is_value = is_value
        self._tasks = {task.path: task for task in facts.tasks}

    def expect(self, artifact: ExpectedArtifact, *, merged: bool) -> ExpectedRule | None:
        """Return what the rules give to an artifact; None if there are none for it.

        Args:
            artifact: that a W&B run logs.
            merged: whether the W&B run stands for several tasks.
        """
        rules = self._rules_for(artifact.artifact)
        if rules is None:
            return None
        if any(len(folder.picked_from) > 1 for folder in artifact.folders):
            return ExpectedRule(reason="several tasks may have made it")
        # What the maker has counts more than what the task has that picked it.
        tasks = [(folder.task, *folder.picked_from) for folder in artifact.folders]
        condition = parse_condition(rules.when).names if rules.when else ()
        names = {*condition, *(name.partition(".")[0] for name in rules.metadata)}
        values = [dict(self._find_all(paths, names)) for paths in tasks]
        for value in (value for of_task in values for value in of_task.values()):
            if not value.is_known or _has_mark(value.json_value):
                return ExpectedRule(reason=value.reason or "a value that it names is not known")
        plain = [{name: _plain(value) for name, value in of_task.items()} for of_task in values]
        applies = rules.when is None or all(_holds(rules.when, of_task) for of_task in plain)
        return ExpectedRule(
            aliases=frozenset(rules.aliases) if applies else frozenset(),
            link=rules.link if applies else None,
            metadata=dict(_metadata(rules.metadata, plain, merged=merged)),
        )

    def _rules_for(self, name: str) -> ArtifactRules | None:
        exact = self._rules.get(name)
        fitting = [rules for pattern, rules in self._rules.items() if fnmatchcase(name, pattern)]
        return exact or next(iter(fitting), None)

    def _find_all(
        self, paths: Iterable[str], names: Iterable[str]
    ) -> Iterator[tuple[str, PickledValue]]:
        """Yield the values that count for a content; a later one of a name counts more."""
        for name in names:
            parameter = self._facts.parameters.get(name)
            if parameter is not None and self._facts.kinds.get(name) != "IncludeFile":
                yield name, self._contents.show(parameter)
            for task in (self._tasks[path] for path in paths if path in self._tasks):
                if name in task.held and self._is_value(task, name):
                    yield name, self._contents.show(task.held[name])


def _has_mark(value: Any) -> bool:
    """Whether a value is known only in part: it has a set, whose order is open, or more."""
    if isinstance(value, dict):
        return ANY in value or SET in value or any(map(_has_mark, value.values()))
    return isinstance(value, list) and any(map(_has_mark, value))


def _plain(value: PickledValue) -> Any:
    return value.json_value if value.number is None else value.number


def _holds(condition: str, values: Mapping[str, Any]) -> bool:
    try:
        return holds(condition, values)
    except NoResultError:
        return False


def _metadata(
    names: Sequence[str], tasks: Sequence[Mapping[str, Any]], *, merged: bool
) -> Iterator[tuple[str, ExpectedValue]]:
    for name in names:
        values = list(_existing(name, tasks))
        if not values:
            continue
        key = f"{name}_" if name.rstrip("_") in _KEYS_OF_MFWB else name
        if len(json.dumps(values)) > _LONG:
            yield key, ExpectedValue((), reason="it may be too long for metadata")
        elif not merged or all(value == values[0] for value in values):
            value = values[0]
            yield key, ExpectedValue((put(value) if isinstance(value, float) else value,))
        elif all(isinstance(value, (int, float)) and type(value) is not bool for value in values):
            yield key, ExpectedValue((statistics(values),))
        else:
            yield key, ExpectedValue((values,))


def _existing(name: str, tasks: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for values in tasks:
        try:
            value = find_value(name, values)
        except MissingNameError:
            continue
        yield value
