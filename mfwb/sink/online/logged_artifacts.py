"""Logged artifacts: the artifact versions that W&B runs have logged, fetched when needed."""

from __future__ import annotations

import threading

import wandb

from mfwb.planning import InputArtifact, WandbRunId
from mfwb.planning.names import names_in_project
from mfwb.sink.online.uploads import UploadResult
from mfwb.sink.server.existing_runs import ExistingRuns

__all__ = ["LoggedArtifacts", "collection_name"]


class LoggedArtifacts:
    """The logged artifacts that the W&B runs of one flow run produce and use; thread-safe."""

    def __init__(self, existing_runs: ExistingRuns, provider: str) -> None:
        """Start without any artifact.

        Args:
            existing_runs: the W&B runs of the project.
            provider: the provider of the flow run.
        """
        self._existing_runs = existing_runs
        self._provider = provider
        self._artifacts: dict[WandbRunId, dict[str, wandb.Artifact]] = {}
        self._fetched_runs: set[WandbRunId] = set()
        self._missing: set[tuple[WandbRunId, str]] = set()  # a later sync may log them
        self._lock = threading.Lock()

    def add(self, run_id: WandbRunId, result: UploadResult) -> None:
        """Add the result of an upload by a W&B run."""
        with self._lock:
            if result.artifact is not None:
                by_name = self._artifacts.setdefault(run_id, {})
                by_name[collection_name(result.artifact)] = result.artifact
            elif result.try_again:
                self._missing.add((run_id, result.name))

    def is_missing(self, used: InputArtifact) -> bool:
        """Whether the upload of an artifact failed in this call, and may succeed later."""
        return (used.producer, used.name) in self._missing

    def of_run(self, run_id: WandbRunId, project_path: str = "") -> dict[str, wandb.Artifact]:
        """Return the artifacts of a W&B run by name, fetched at most once; SinkError.

        Args:
            run_id: the planned id.
            project_path: `entity/project` of another flow run's W&B run; empty for this flow run.
        """
        with self._lock:
            if run_id in self._fetched_runs:
                return dict(self._artifacts.get(run_id, {}))
        fetched = self._fetch(run_id, project_path)
        with self._lock:
            self._fetched_runs.add(run_id)
            by_name = self._artifacts.setdefault(run_id, {})
            for artifact in fetched:
                by_name.setdefault(collection_name(artifact), artifact)
            return dict(by_name)

    def find(self, run_id: WandbRunId, name: str, type_: str) -> wandb.Artifact | None:
        """Return a known artifact of a W&B run, under any name that it may have in this project."""
        with self._lock:
            by_name = dict(self._artifacts.get(run_id, {}))
        candidates = (by_name.get(candidate) for candidate in names_in_project(name, type_))
        return next(
            (
                artifact
                for artifact in candidates
                if artifact is not None and artifact.type == type_
            ),
            None,
        )

    def find_used(self, used: InputArtifact) -> wandb.Artifact | None:
        """Return the artifact that a W&B run uses; None if it does not exist; SinkError."""
        artifact = self.find(used.producer, used.name, used.type)
        if artifact is None:
            self.of_run(used.producer, used.place)
            artifact = self.find(used.producer, used.name, used.type)
        return artifact

    def _fetch(self, run_id: WandbRunId, project_path: str) -> list[wandb.Artifact]:
        if project_path:
            return self._existing_runs.list_logged_artifacts_elsewhere(
                project_path, run_id, self._provider
            )
        if self._existing_runs.get(run_id) is None:
            return []
        return self._existing_runs.list_logged_artifacts(run_id)


def collection_name(artifact: wandb.Artifact) -> str:
    """Return the name of an artifact without its version."""
    return str(artifact.name.rpartition(":")[0])
