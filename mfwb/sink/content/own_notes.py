"""What mfwb wrote into a W&B run about itself, as JSON, and which anybody may have changed."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

__all__ = ["parse_note"]

_T = TypeVar("_T")


def parse_note(text: Any, adapter: TypeAdapter[_T]) -> _T | None:
    """Return what a note says; None if it is none, or none of that kind."""
    if not isinstance(text, str):
        return None
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return None
