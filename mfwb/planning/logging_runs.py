"""Index of logged artifacts: the W&B run and the W&B artifact that have an artifact of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mfwb.planning.outputs import Outputs
from mfwb.planning.plan import OutputArtifact, WandbRunId
from mfwb.planning.run_scopes import RunScope

__all__ = ["LoggedIndex", "index_logged_artifacts"]

LoggedIndex = Mapping[tuple[str, str], tuple[RunScope, OutputArtifact]]
"""By the task's pathspec and the name of its artifact."""


def index_logged_artifacts(
    scopes: Sequence[RunScope], outputs: Mapping[WandbRunId, Outputs]
) -> LoggedIndex:
    """Return the W&B run and the W&B artifact of each artifact that is logged."""
    return {
        (file.content.task, file.content.name): (scope, artifact)
        for scope in scopes
        for artifact in outputs[scope.id].artifacts
        for file in artifact.files
    }
