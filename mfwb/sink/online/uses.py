"""The artifacts that W&B runs use: the edges of the lineage, many in one request.

W&B takes an edge of a finished W&B run, too. So all edges of a flow run are written at its end,
before it is read back: a W&B run without them is not marked as complete.
"""

from __future__ import annotations

import threading

import wandb

from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.batches import MAX_BATCH
from mfwb.sink.client.mutations import Mutation, mutate_idempotent

__all__ = ["Uses"]

_USE = Mutation(
    "UseArtifact",
    "useArtifact",
    {"entity": "String!", "project": "String!", "run": "String!", "artifact": "ID!"},
    """input: {
        entityName: $entity, projectName: $project, runName: $run, artifactID: $artifact
    }""",
    "{ artifact { id } }",
)


class Uses:
    """The edges that the W&B runs of one flow run still need; thread-safe."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self._client = client
        self._entity = entity
        self._project = project
        self._edges: dict[tuple[str, str], str] = {}  # (id of W&B run, id of version): purpose
        self._lock = threading.Lock()

    def add(self, run_id: str, artifact: wandb.Artifact, purpose: str) -> None:
        """Note that a W&B run uses a version of the same project.

        Args:
            run_id: the id of the W&B run in W&B.
            artifact: the version.
            purpose: for the error message, as in "let train use model".
        """
        with self._lock:
            self._edges[run_id, str(artifact.id)] = purpose

    def write(self) -> None:
        """Write all edges that were added; SinkError. W&B keeps one that it has already."""
        with self._lock:
            edges, self._edges = list(self._edges.items()), {}
        where = {"entity": self._entity, "project": self._project}
        for start in range(0, len(edges), MAX_BATCH):
            parts = [
                ({**where, "run": run, "artifact": artifact}, purpose)
                for (run, artifact), purpose in edges[start : start + MAX_BATCH]
            ]
            path = f"{self._entity}/{self._project}"
            mutate_idempotent(self._client, path, _USE, parts)
