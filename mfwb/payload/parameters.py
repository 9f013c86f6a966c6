"""Values of parameters, configs and constants, for W&B's config; and of other small artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mfwb.errors import ItemLost
from mfwb.payload.inspecting import Answer, Inspect, Look, inspect_here
from mfwb.payload.inspector import inspect_each
from mfwb.payload.jsonsafe import to_json
from mfwb.payload.loading import load_each
from mfwb.planning import Content
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun, Loss, Parameter

__all__ = ["values_of", "with_parameter_values"]


def with_parameter_values(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with the values of its parameters; those that can't be had are losses."""
    task = f"{flow_run.pathspec}/_parameters"
    wanted = [
        Content(task, one.name, one.ref.sha1, one.ref.size)
        for one in flow_run.parameters
        if one.value is None
    ]
    answers = _answers(wanted, contents, inspect)
    parameters, losses = [], []
    for one in flow_run.parameters:
        try:
            parameters.append(_with_value(one, answers.get(one.ref.sha1)))
        except ItemLost as error:  # noqa: PERF203 - each stands for itself
            parameters.append(replace(one, value=f"<{one.ref.type}>"))
            losses.append(Loss(f"{task}/{one.name}", str(error)))
    return replace(flow_run, parameters=tuple(parameters), losses=(*flow_run.losses, *losses))


def values_of(
    wanted: Sequence[Content], contents: Contents, inspect: Inspect = inspect_here
) -> dict[str, Any]:
    """Return what artifacts are, by sha1, as JSON has it; what can't be had is missing."""
    return {
        sha1: to_json(found[0])
        for sha1, (found, _) in _answers(wanted, contents, inspect).items()
        if found is not None
    }


def _answers(wanted: Sequence[Content], contents: Contents, inspect: Inspect) -> dict[str, Answer]:
    loaded = load_each(wanted, contents)
    return {one.sha1: answer for one, answer in inspect_each(inspect, Look.VALUE, loaded)}


def _with_value(parameter: Parameter, answer: Answer | None) -> Parameter:
    if parameter.value is not None:
        return parameter  # the source knew it: an IncludeFile
    found, reason = answer or (None, "its bytes can't be had")
    if found is None:
        raise ItemLost(str(reason))
    value: Any = to_json(found[0])
    return replace(parameter, value=value)
