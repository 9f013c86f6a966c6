"""The source of a flow -> what each step does with artifacts. Pure; nothing is run."""

from mfwb.lineage.code.errors import CodeError
from mfwb.lineage.code.facts import ANY, External, FlowCode, InputRead, Merge, StepCode
from mfwb.lineage.code.reading import read_flow_code

__all__ = [
    "ANY",
    "CodeError",
    "External",
    "FlowCode",
    "InputRead",
    "Merge",
    "StepCode",
    "read_flow_code",
]
