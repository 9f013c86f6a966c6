"""Static analysis of the source of a flow: what each step does with artifacts. No code is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfwb.lineage.static_analysis.errors import CodeError
from mfwb.lineage.static_analysis.result import (
    ANY,
    KINDS,
    ArtifactValue,
    ExternalRead,
    FlowCode,
    InputRead,
    LookedUpRun,
    Merge,
    SourcePosition,
    StepCode,
    StoredRunId,
    TextParts,
)

if TYPE_CHECKING:
    from mfwb.snapshot import SourceCode

__all__ = [
    "ANY",
    "KINDS",
    "ArtifactValue",
    "CodeError",
    "ExternalRead",
    "FlowCode",
    "InputRead",
    "LookedUpRun",
    "Merge",
    "SourcePosition",
    "StepCode",
    "StoredRunId",
    "TextParts",
    "read_flow_code",
]


def read_flow_code(source: SourceCode, flow: str) -> FlowCode:
    """Return what each step of a flow does with artifacts, from the source alone.

    CodeError if the script is missing or does not parse, if it has no such class, or if the class
    can't be followed at all.
    """
    # A tenth of what a command imports, and most commands analyse nothing.
    from mfwb.lineage.static_analysis import analyze  # noqa: PLC0415

    return analyze.read_flow_code(source, flow)
