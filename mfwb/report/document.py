"""A result as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mfwb.outcome import Result

__all__ = ["to_json"]

_AT_ONCE = 50  # flow runs; each call of json.dumps leaves cycles behind


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
    rest = iter(result.flow_runs)
    follows = ""
    while some := [one.to_dict() for one in islice(rest, _AT_ONCE)]:
        text = _indented(some, 1, ascii_only=ascii_only)
        yield follows + text[len("[") : -len("\n  ]")]
        follows = ","
    yield "\n  ]" if follows else "]"


def _indented(value: Any, depth: int, *, ascii_only: bool) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    return text.replace("\n", "\n" + "  " * depth)  # within strings JSON has no line breaks
