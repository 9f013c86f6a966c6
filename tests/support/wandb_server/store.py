"""The one place that holds every record, and the lock round them."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timezone
from pathlib import Path

from .assumptions import Assumptions
from .records import Collection, Manifest, Project, Run, Version
from .refusal import Refusal


def now() -> datetime:
    """Return the server's clock."""
    return datetime.now(tz=timezone.utc)


class Store:
    """All projects, runs and artifacts of one server."""

    def __init__(self, entities: tuple[str, ...], assumptions: Assumptions, folder: Path) -> None:
        self.lock = threading.RLock()
        self.entities = entities
        self.assumptions = assumptions
        self.folder = folder
        self.projects: dict[tuple[str, str], Project] = {}
        self.runs: dict[str, Run] = {}
        self.versions: dict[str, Version] = {}
        self.manifests: dict[str, Manifest] = {}
        self.collections: dict[str, Collection] = {}
        self.client_ids: dict[str, Version] = {}
        self.strange_entities: set[str] = set()  # they exist, and the user is in none of them
        self.organizations: dict[str, tuple[str, str]] = {}  # name and entity, by team
        self.read_only: set[str] = set()  # entities and `entity/project`
        self.server_version: str | None = None  # of a server of one's own
        self.uploaded_bytes = 0
        self._serial = itertools.count(1)

    def serial(self) -> int:
        """Return a number that was never returned before."""
        return next(self._serial)

    def entity(self, name: str | None) -> str:
        """Return the entity of that name, or the default one if none is named."""
        if not name:
            return self.entities[0]
        if name not in self.entities:
            # Assumed: the status. The wording follows what users of the real server report.
            raise Refusal(404, f"entity {name} not found during upsertBucket")
        return name

    def find_project(self, entity: str | None, name: str | None) -> Project | None:
        """Return a project, or None if it is not there."""
        return self.projects.get((entity or self.entities[0], name or "uncategorized"))

    def make_project(self, entity: str | None, name: str | None) -> Project:
        """Return a project and make it if needed, as W&B does on the first run."""
        key = (self.entity(entity), name or "uncategorized")
        if key not in self.projects:
            self.projects[key] = Project(self.serial(), *key, created_at=now())
        return self.projects[key]

    def project(self, entity: str | None, name: str | None) -> Project:
        """Return a project that must be there."""
        project = self.find_project(entity, name)
        if project is None:
            raise Refusal(404, f"project {entity}/{name} not found")
        return project

    def run(self, entity: str, project: str, name: str) -> Run:
        """Return a run that must be there."""
        run = self.project(entity, project).runs.get(name)
        if run is None:
            raise Refusal(404, f"run {entity}/{project}/{name} not found")
        return run

    def run_by_id(self, storage_id: str) -> Run:
        """Return the run of a storage id."""
        run = self.runs.get(storage_id)
        if run is None:
            raise Refusal(404, "run not found")
        return run

    def version(self, artifact_id: str) -> Version:
        """Return the artifact version of an id."""
        version = self.versions.get(artifact_id)
        if version is None or version.state == "DELETED":
            raise Refusal(404, f"artifact {artifact_id} not found")
        return version
