"""A result as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mfwb.outcome import Result

__all__ = ["to_json"]


def to_json(result: Result, *, ascii_only: bool = False) -> Iterator[str]:
    """Yield the document that `--json` prints, one flow run after the other: there may be many."""
    rest = result.without_flow_runs()
    yield "{"
    for place, (name, value) in enumerate(rest.items()):
        yield f'{"," if place else ""}\n  "{name}": '
        if name == "flow_runs":
            yield from _flow_runs(result, ascii_only=ascii_only)
        else:
            yield _indented(value, 1, ascii_only=ascii_only)
    yield "\n}\n"


def _flow_runs(result: Result, *, ascii_only: bool) -> Iterator[str]:
    yield "["
    for place, one in enumerate(result.flow_runs):
        yield f"{',' if place else ''}\n    {_indented(one.to_dict(), 2, ascii_only=ascii_only)}"
    yield "\n  ]" if result.flow_runs else "]"


def _indented(value: Any, depth: int, *, ascii_only: bool) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    return text.replace("\n", "\n" + "  " * depth)  # within strings JSON has no line breaks
