"""Rules of the settings for artifacts: what they give, once the values that decide are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mfwb.conditions import MissingNameError, NoResultError, find_value, holds
from mfwb.conversion.inspector_child import Inspect, inspect_here
from mfwb.conversion.json_safe import json_size, to_json
from mfwb.errors import ItemLost
from mfwb.outcome import RuleOutcome
from mfwb.payload.inspections import Inspections
from mfwb.payload.masking import mask_values
from mfwb.payload.summary import aggregate
from mfwb.payload.values import Value, Values, decode_values
from mfwb.planning import ArtifactRule, PlannedRun
from mfwb.planning.names import config_key
from mfwb.ports import AppliedRule, Contents
from mfwb.redaction import Masker
from mfwb.snapshot.pathspec import below_flow_run

__all__ = ["apply_rules"]

_METADATA_LIMIT = 10_000  # characters of a value as JSON: W&B shows metadata with every version

_Values = Mapping[str, Any]
"""The values of one task by name, in JSON types, except that all numbers are still numbers."""


def apply_rules(
    run: PlannedRun,
    contents: Contents,
    inspect: Inspect = inspect_here,
    masker: Masker | None = None,
) -> dict[str, AppliedRule]:
    """Return what the rules give to the artifacts of a W&B run, by their planned names.

    Args:
        run: the W&B run.
        contents: source of the bytes of values.
        inspect: decodes values.
        masker: knows what a secret is; None: the default rules.
    """
    applied = {}
    for rule in run.artifact_rules:
        decoded, _ = decode_values(rule.values, Inspections(contents, inspect), run.unpickle)
        values, _ = mask_values(decoded, rule.values, masker or Masker())
        by_task = {tasks[0]: _values_of(tasks, rule, values) for tasks in rule.tasks}
        applied[rule.artifact] = _apply(rule, by_task, merged=run.merged)
    return applied


def _values_of(tasks: Sequence[str], rule: ArtifactRule, decoded: Values) -> dict[str, Any]:
    """Return the values that count for a content: those of the first task that has one."""
    values = dict(rule.parameters)
    for task in reversed(tasks):
        values |= {name: of[task].json for name, of in decoded.items() if task in of}
    return values


def _apply(rule: ArtifactRule, by_task: Mapping[str, _Values], *, merged: bool) -> AppliedRule:
    notes = [] if rule.when is None else list(_failed_conditions(rule, rule.when, by_task))
    metadata, missing = _metadata(rule.metadata, list(by_task.values()), merged=merged)
    applies = not notes
    outcome = RuleOutcome(
        aliases=rule.aliases if applies else (),
        link=rule.link if applies else None,
        metadata=tuple(metadata),
        notes=(*notes, *missing),
    )
    return AppliedRule(outcome, metadata)


def _failed_conditions(
    rule: ArtifactRule, condition: str, by_task: Mapping[str, _Values]
) -> Iterator[str]:
    """Yield why a condition does not hold; nothing if it holds for every task."""
    reasons = {task: _reason_against(condition, values) for task, values in by_task.items()}
    against = {task: reason for task, reason in reasons.items() if reason}
    if not against:
        return
    task, reason = next(iter(against.items()))
    where = f"for {below_flow_run(task)}"
    if len(by_task) > 1:
        where = f"for {len(against):,} of {len(by_task):,} tasks, as {below_flow_run(task)}"
    alias = f"no {'alias' if len(rule.aliases) == 1 else 'aliases'} {', '.join(rule.aliases)}"
    parts = [alias] * bool(rule.aliases) + [f"no link to {rule.link}"] * (rule.link is not None)
    yield f"{' and '.join(parts)}: `{condition}` {reason} {where}"


def _reason_against(condition: str, values: _Values) -> str:
    """Return why a condition does not hold for the values of a task; empty if it holds."""
    try:
        return "" if holds(condition, values) else "does not hold"
    except MissingNameError as error:
        return f"needs the value {error.name}, which is missing"
    except NoResultError as error:
        return f"has no result ({error})"


def _metadata(
    names: Sequence[str], tasks: Sequence[_Values], *, merged: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the metadata, and notes on values that are missing or too long.

    Args:
        names: the names of the values.
        tasks: the values of each task.
        merged: whether the W&B run stands for several tasks; then unlike values are as in its
            summary.
    """
    metadata, notes = {}, []
    for name in names:
        values = list(_existing(name, tasks))
        if not values:
            notes.append(f"no metadata {name}: the step has no such value")
            continue
        try:
            is_same = all(value.json == values[0].json for value in values)
            value = to_json(values[0].json) if is_same or not merged else aggregate(values)
        except ItemLost as error:
            notes.append(f"no metadata {name}: {error}")
            continue
        if (size := json_size(value)) > _METADATA_LIMIT:
            notes.append(f"no metadata {name}: {size:,} characters, too many for metadata")
            continue
        metadata[config_key(name)] = value
    return metadata, notes


def _existing(name: str, tasks: Sequence[_Values]) -> Iterator[Value]:
    for values in tasks:
        with suppress(MissingNameError):
            yield Value(find_value(name, values))
