"""Flow runs whose text can be stored: as JSON, in SQL, and in W&B's records."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic_core import PydanticSerializationError

from mfwb.safe_text import storable
from mfwb.snapshot.codec import to_json
from mfwb.snapshot.facts import FlowRun

__all__ = ["with_storable_text"]

_NUL = "\\u0000"


def with_storable_text(flow_run: FlowRun) -> FlowRun:
    """Return the flow run with visible escapes for NUL and invalid Unicode in its texts.

    A file name, a tag or a message may hold any bytes. All places that texts go to refuse a text
    with one such character. Nearly no flow run has any. To write JSON shows whether there is one,
    in a hundredth of the time that a walk through all facts takes.
    """
    try:
        text = to_json(flow_run)
    except (PydanticSerializationError, UnicodeEncodeError):
        text = _NUL
    if _NUL not in text:
        return flow_run
    cleaned: FlowRun = _cleaned(flow_run)
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return type(value)(_cleaned(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        facts = {entry.name: getattr(value, entry.name) for entry in fields(value) if entry.init}
        return type(value)(**{name: _cleaned(fact) for name, fact in facts.items()})
    return value
