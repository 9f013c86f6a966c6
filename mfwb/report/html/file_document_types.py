"""The type of the document of `mfwb report`; its schema is made from it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

__all__ = ["ReportDocument"]


class ReportDocument(TypedDict):
    """What `mfwb report` prints with `--json`: the file that it wrote.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: report.
        path: path of the file.
        bytes: size of the file.
        flow_runs: pathspecs of the flow runs that the page shows.
    """

    version: Literal[1]
    command: str
    path: str
    bytes: int
    flow_runs: list[str]
