"""Codec of snapshots, to and from JSON."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from mfwb.snapshot.facts import FlowRun


@cache
def _adapter() -> TypeAdapter[FlowRun]:
    return TypeAdapter(FlowRun)  # built at first use: building it is slow


def to_json(flow_run: FlowRun) -> str:
    """Return the flow run as one JSON document; `from_json` gives an equal value back."""
    return _adapter().dump_json(flow_run).decode()


def from_json(text: str | bytes) -> FlowRun:
    """Return the flow run that `to_json` wrote; pydantic's ValidationError for any other text."""
    return _adapter().validate_json(text)
