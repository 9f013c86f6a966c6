"""Values of parameters, configs and constants, for W&B's config."""

from __future__ import annotations

from dataclasses import replace

from mfwb.errors import ItemLost
from mfwb.payload.inspecting import Answer, Inspect, Look, inspect_here
from mfwb.payload.inspector import inspect_each
from mfwb.payload.jsonsafe import to_json
from mfwb.payload.loading import load_each
from mfwb.planning import Content
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun, Parameter

__all__ = ["with_parameter_values"]


def with_parameter_values(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with the values of its parameters, or why they are not known as JSON.

    What is no value goes as a file, and is a loss only if that fails, too.
    """
    task = f"{flow_run.pathspec}/_parameters"
    wanted = [
        Content(task, one.name, one.ref.sha1, one.ref.size)
        for one in flow_run.parameters
        if one.value is None
    ]
    loaded = load_each(wanted, contents)
    answers = {one.sha1: answer for one, answer in inspect_each(inspect, Look.VALUE, loaded)}
    parameters = (_with_value(one, answers.get(one.ref.sha1)) for one in flow_run.parameters)
    return replace(flow_run, parameters=tuple(parameters))


def _with_value(parameter: Parameter, answer: Answer | None) -> Parameter:
    if parameter.value is not None:
        return parameter  # the source knew it: an IncludeFile
    found, reason = answer or (None, "its bytes can't be had")
    if found is not None:
        try:
            return replace(parameter, value=to_json(found[0]))
        except ItemLost as error:
            reason = str(error)
    return replace(parameter, value=f"<{parameter.ref.type}>", no_value=str(reason))
