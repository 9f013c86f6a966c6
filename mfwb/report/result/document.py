"""A result as one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mfwb.outcome import Result
from mfwb.report.json_output import json_text

__all__ = ["to_json"]


def to_json(result: Result, *, ascii_only: bool = False, indented: bool = True) -> Iterator[str]:
    """Yield the document that `--json` prints, one flow run after the other: there may be many.

    Args:
        result: the result of a call.
        ascii_only: escape all letters beyond ASCII.
        indented: for people; else each flow run is one line, which takes a fifth of the time.
    """
    dump = partial(json_text, ascii_only=ascii_only)
    rest = result.without_flow_runs()
    yield "{"
    for position, (name, value) in enumerate(rest.items()):
        yield f'{"," if position else ""}\n  "{name}": '
        if name == "flow_runs":
            yield from _flow_runs(
                result, partial(_indented, dump, 2) if indented else partial(dump, indent=None)
            )
        else:
            yield _indented(dump, 1, value)
    yield "\n}\n"


def _flow_runs(result: Result, dump: Callable[[Any], str]) -> Iterator[str]:
    yield "["
    for position, flow_run in enumerate(result.flow_runs):
        yield f"{',' if position else ''}\n    {dump(flow_run.to_dict())}"
    yield "\n  ]" if result.flow_runs else "]"


def _indented(dump: Callable[..., str], depth: int, value: Any) -> str:
    text = dump(value, indent=2)
    return text.replace("\n", "\n" + "  " * depth)  # JSON has no line breaks within strings
