"""The source of a flow -> what each step does with artifacts. Pure; nothing is run."""

from mfwb.lineage.code.errors import CodeError
from mfwb.lineage.code.facts import (
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
from mfwb.lineage.code.reading import read_flow_code

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
