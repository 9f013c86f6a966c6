"""Explain one artifact: what it is, what W&B gets of it, and why."""

from mfwb.pipeline.explain.artifact_path import AskedArtifact, parse_artifact
from mfwb.pipeline.explain.explain import explain
from mfwb.pipeline.explain.model import Explanation, Replayed, TaskArtifact

__all__ = [
    "AskedArtifact",
    "Explanation",
    "Replayed",
    "TaskArtifact",
    "explain",
    "parse_artifact",
]
