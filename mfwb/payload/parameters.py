"""Values of parameters, configs and constants for W&B's config, and of other small artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mfwb.conversion.inspector import inspect_each
from mfwb.conversion.inspector_child import Answer, Inspect, Inspection, inspect_here
from mfwb.conversion.json_safe import json_size, to_json
from mfwb.errors import ItemLost
from mfwb.payload.batches import load_each
from mfwb.planning import Content
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun, Parameter
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["add_parameter_values", "decode_artifacts"]

_CHARACTERS_LIMIT = 20_000_000


def add_parameter_values(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with its parameters' values, or the reasons why they have none in JSON.

    A parameter without a value is uploaded as a file, and is a loss only if that fails, too.
    """
    task = parameters_of(flow_run.pathspec)
    wanted = [
        Content(task, item.name, item.ref.sha1, item.ref.size)
        for item in flow_run.parameters
        if item.value is None
    ]
    answers = _answers(wanted, contents, inspect)
    parameters = (_with_value(item, answers.get(item.ref.sha1)) for item in flow_run.parameters)
    return replace(flow_run, parameters=tuple(parameters))


def decode_artifacts(
    wanted: Sequence[Content], contents: Contents, inspect: Inspect = inspect_here
) -> dict[str, Any]:
    """Return the values of artifacts as JSON types, by sha1.

    Unreadable artifacts are missing, and so are all after the limit of characters is reached.
    """
    values: dict[str, Any] = {}
    left = _CHARACTERS_LIMIT
    for content, (result, _) in inspect_each(
        inspect, Inspection.VALUE, load_each(wanted, contents)
    ):
        if result is not None:
            value = to_json(result[0])
            left -= json_size(value)
            if left < 0:
                break
            values[content.sha1] = value
    return values


def _answers(wanted: Sequence[Content], contents: Contents, inspect: Inspect) -> dict[str, Answer]:
    loaded = load_each(wanted, contents)
    return {item.sha1: answer for item, answer in inspect_each(inspect, Inspection.VALUE, loaded)}


def _with_value(parameter: Parameter, answer: Answer | None) -> Parameter:
    if parameter.value is not None:
        return parameter  # set by the source: an IncludeFile
    result, reason = answer or (None, "its bytes can't be read")
    if result is not None:
        try:
            return replace(parameter, value=to_json(result[0]))
        except ItemLost as error:
            reason = str(error)
    return replace(parameter, value=f"<{parameter.ref.type}>", no_value=str(reason))
