"""Static analysis of the source of a flow: what each step does with artifacts. No code is run."""

from mfwb.lineage.static_analysis.analyze import read_flow_code
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
