"""What the server keeps: mutable records, written only under the store's lock."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .blobs import Blob

RunState = Literal["running", "pending", "finished", "failed"]
VersionState = Literal["PENDING", "COMMITTED", "DELETED"]


def node_id(kind: str, *parts: str) -> str:
    """Return an opaque id as W&B makes them: base64 of kind and parts."""
    return base64.b64encode(":".join((kind, *parts)).encode()).decode()


@dataclass(slots=True)
class Run:
    """A W&B run."""

    entity: str
    project: str
    name: str
    serial: int
    created_at: datetime
    heartbeat_at: datetime
    display_name: str
    state: RunState = "running"
    exit_code: int | None = None
    description: str | None = None
    notes: str | None = None
    group: str | None = None
    job_type: str | None = None
    host: str | None = None
    program: str | None = None
    commit: str | None = None
    repo: str | None = None
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    history_shift: int | None = None
    events: list[str] = field(default_factory=list)
    console: dict[int, str] = field(default_factory=dict)
    files: dict[str, Blob] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    inputs: dict[str, str | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the storage id, which is not the id that users choose."""
        return node_id("Run", "v1", self.name, self.project, self.entity)

    @property
    def path(self) -> str:
        """Return entity/project/id."""
        return f"{self.entity}/{self.project}/{self.name}"


@dataclass(slots=True)
class Version:
    """An artifact version; it has no number before it is committed."""

    serial: int
    collection: Collection
    digest: str
    created_at: datetime
    state: VersionState = "PENDING"
    index: int | None = None
    description: str | None = None
    metadata: str | None = None
    ttl: int | None = None
    history_step: int | None = None
    client_id: str | None = None
    tags: list[str] = field(default_factory=list)
    wanted_aliases: list[str] = field(default_factory=list)
    manifest: Manifest | None = None
    wanted_files: dict[str, str] = field(default_factory=dict)
    files: dict[str, Blob] = field(default_factory=dict)
    created_by: str | None = None
    used_by: dict[str, str | None] = field(default_factory=dict)
    linked_to: list[Collection] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return the artifact id."""
        return node_id("Artifact", str(self.serial))

    @property
    def path(self) -> str:
        """Return entity/project/name:vN."""
        number = "pending" if self.index is None else f"v{self.index}"
        return f"{self.collection.path}:{number}"

    @property
    def aliases(self) -> list[str]:
        """Return the aliases that point here, sorted."""
        return self.collection.aliases_of(self)


@dataclass(slots=True)
class Manifest:
    """The list of files of a version; uploaded as a file of its own."""

    serial: int
    version: Version
    digest: str
    blob: Blob | None = None
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the manifest id."""
        return node_id("ArtifactManifest", str(self.serial))


@dataclass(slots=True)
class Collection:
    """All versions of one artifact name; every one has the same type."""

    serial: int
    project: Project
    name: str
    type: str
    created_at: datetime
    versions: list[Version] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)
    next_index: int = 0
    links: dict[int, tuple[int, datetime]] | None = None  # of a portfolio: numbers, by serial

    @property
    def id(self) -> str:
        """Return the collection id."""
        return node_id("ArtifactCollection", str(self.serial))

    @property
    def path(self) -> str:
        """Return entity/project/name."""
        return f"{self.project.entity}/{self.project.name}/{self.name}"

    @property
    def is_portfolio(self) -> bool:
        """Return whether versions are only linked here, which were logged to other collections."""
        return self.links is not None

    def index_of(self, version: Version) -> int | None:
        """Return the number that a version has here."""
        return version.index if self.links is None else self.links[version.serial][0]

    def aliases_of(self, version: Version) -> list[str]:
        """Return the aliases of a version here, sorted."""
        return sorted(a for a, serial in self.aliases.items() if serial == version.serial)

    @property
    def committed(self) -> list[Version]:
        """Return the versions that can be seen, oldest first."""
        versions = [v for v in self.versions if v.state == "COMMITTED"]
        return sorted(versions, key=lambda version: self.index_of(version) or 0)

    def find(self, alias: str) -> Version | None:
        """Return the version that an alias, or a name such as v3, points to."""
        serial = self.aliases.get(alias)
        for version in self.committed:
            if version.serial == serial or alias == f"v{self.index_of(version)}":
                return version
        return None


@dataclass(slots=True)
class Project:
    """A W&B project."""

    serial: int
    entity: str
    name: str
    created_at: datetime
    description: str | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    deleted_runs: set[str] = field(default_factory=set)
    collections: dict[str, Collection] = field(default_factory=dict)
    types: dict[str, datetime] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the project id."""
        return node_id("Project", "v1", self.name, self.entity)

    @property
    def path(self) -> str:
        """Return entity/project."""
        return f"{self.entity}/{self.name}"
