"""A result as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator

from mfwb.outcome import Result
from mfwb.report.json_output import document_parts

__all__ = ["to_json"]


def to_json(result: Result, *, ascii_only: bool = False, indented: bool = True) -> Iterator[str]:
    """Yield the document that `--json` prints, one flow run after the other: there may be many.

    Args:
        result: the result of a call.
        ascii_only: escape all letters beyond ASCII.
        indented: for people; else each flow run is one line, which takes a tenth of the time.
    """
    flow_runs = (
        flow_run.to_dict() if indented else flow_run.to_json() for flow_run in result.flow_runs
    )
    rest = result.without_flow_runs()
    yield from document_parts(
        rest, "flow_runs", flow_runs, ascii_only=ascii_only, indented=indented
    )
