"""Snapshots to and from JSON."""

from __future__ import annotations

from pydantic import TypeAdapter

from mfwb.snapshot.facts import FlowRun

_FLOW_RUN = TypeAdapter(FlowRun)


def to_json(flow_run: FlowRun) -> str:
    """Return the flow run as one JSON document; `from_json` gives an equal value back."""
    return _FLOW_RUN.dump_json(flow_run).decode()


def from_json(text: str | bytes) -> FlowRun:
    """Return the flow run that `to_json` wrote; pydantic's ValidationError if it did not."""
    return _FLOW_RUN.validate_json(text)
