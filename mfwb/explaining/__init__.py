"""Explain one artifact: what it is, what W&B gets of it, and why."""

from mfwb.explaining.asked import AskedArtifact, parse_artifact
from mfwb.explaining.explain import explain
from mfwb.explaining.values import Explanation, Replayed, TaskArtifact

__all__ = [
    "AskedArtifact",
    "Explanation",
    "Replayed",
    "TaskArtifact",
    "explain",
    "parse_artifact",
]
