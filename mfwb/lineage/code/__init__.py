"""The source of a flow -> what each step does with artifacts. Pure; nothing is run."""

from mfwb.lineage.code.facts import External, FlowCode, InputRead, Merge, StepCode

__all__ = ["External", "FlowCode", "InputRead", "Merge", "StepCode"]
