"""The source of a flow -> what each step does with artifacts. Pure; nothing is run."""

from mfwb.lineage.static_analysis.analyze import read_flow_code
from mfwb.lineage.static_analysis.errors import CodeError
from mfwb.lineage.static_analysis.result import (
    ANY,
    KINDS,
    External,
    FlowCode,
    Found,
    InputRead,
    Kept,
    Merge,
    Place,
    Recorded,
    StepCode,
    Words,
)

__all__ = [
    "ANY",
    "KINDS",
    "CodeError",
    "External",
    "FlowCode",
    "Found",
    "InputRead",
    "Kept",
    "Merge",
    "Place",
    "Recorded",
    "StepCode",
    "Words",
    "read_flow_code",
]
