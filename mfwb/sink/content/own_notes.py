"""Notes of mfwb in a W&B run: JSON that anybody may have changed."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

__all__ = ["parse_note"]

_T = TypeVar("_T")


def parse_note(text: Any, adapter: TypeAdapter[_T]) -> _T | None:
    """Return a parsed note; None if the text is not a note of that type."""
    if not isinstance(text, str):
        return None
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return None
