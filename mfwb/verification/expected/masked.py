"""Facts and values as W&B should show them: with marks in place of secrets.

What a secret looks like has one home, `mfwb.redaction`, which a sync uses, too: two lists of forms
would differ for ever. Where it is applied is decided here a second time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfwb.redaction import Masker
from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.value_reader import PickledValue

__all__ = ["mask_facts", "mask_pickled"]


def mask_facts(facts: FlowRunFacts, masker: Masker) -> FlowRunFacts:
    """Return the facts of a flow run without secrets in its tags, docstrings and exceptions."""
    if not masker.enabled:
        return facts
    mask = masker.mask_text
    graph = _masked_doc(facts.graph, masker)
    steps = graph.get("steps")
    if isinstance(steps, dict):
        graph["steps"] = {
            name: _masked_doc(node, masker) if isinstance(node, dict) else node
            for name, node in steps.items()
        }
    return replace(
        facts,
        tags=frozenset(map(mask, facts.tags)),
        system_tags=frozenset(map(mask, facts.system_tags)),
        graph=graph,
        steps={
            name: tuple(_masked_task(task, masker) for task in tasks)
            for name, tasks in facts.steps.items()
        },
    )


def mask_pickled(name: str, value: PickledValue, masker: Masker) -> PickledValue:
    """Return what is known of an artifact of that name, without secrets in its value."""
    json_value, marks = masker.mask_value(name, value.json_value)
    if not marks:
        return value
    return replace(value, json_value=json_value, number=None, columns=None)


def _masked_doc(node: Any, masker: Masker) -> dict[str, Any]:
    doc = node.get("doc")
    return {**node, "doc": masker.mask_text(doc)} if isinstance(doc, str) else dict(node)


def _masked_task(task: TaskFacts, masker: Masker) -> TaskFacts:
    mask = masker.mask_text
    exception = task.exception
    if exception is not None:
        kind, message, trace = exception
        exception = mask(kind), mask(message), None if trace is None else mask(trace)
    return replace(
        task,
        metadata={name: mask(text) for name, text in task.metadata.items()},
        exception=exception,
        earlier={number: mask(text) for number, text in task.earlier.items()},
    )
