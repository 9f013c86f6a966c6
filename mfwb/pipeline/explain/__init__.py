"""Explanation of one artifact: what it is, what W&B gets of it, and why."""

from mfwb.pipeline.explain.artifact_path import ArtifactPath, parse_artifact
from mfwb.pipeline.explain.explain import explain
from mfwb.pipeline.explain.model import Explanation, Replayed, TaskArtifact

__all__ = [
    "ArtifactPath",
    "Explanation",
    "Replayed",
    "TaskArtifact",
    "explain",
    "parse_artifact",
]
