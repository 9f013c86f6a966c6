"""What can be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.wandb_server import artifacts, runs
from tests.support.wandb_server.refusal import Refusal

from .artifacts import ArtifactNode, ManifestNode, MembershipNode
from .connection import Connection, connect
from .files import ArtifactFile, RunFile
from .runs import ProjectNode, RunNode
from .site import Site

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Success:
    """It was done."""

    success: bool = True


@dataclass(frozen=True, slots=True)
class UpsertedProject:
    """A project that is there now."""

    project: ProjectNode
    inserted: bool

    @property
    def model(self) -> ProjectNode:
        """Return the project, by the old word."""
        return self.project


@dataclass(frozen=True, slots=True)
class UpsertedRun:
    """A run that is there now."""

    bucket: RunNode
    inserted: bool


@dataclass(frozen=True, slots=True)
class DeletedRun:
    """A run that is not there any more."""

    client_mutation_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunUploads:
    """Where to upload files of a run."""

    run_id: str
    files: list[RunFile]

    @property
    def upload_headers(self) -> list[str]:
        """Return no headers: none are needed."""
        return []


@dataclass(frozen=True, slots=True)
class ArtifactPayload:
    """The artifact that was written."""

    artifact: ArtifactNode


@dataclass(frozen=True, slots=True)
class LinkPayload:
    """The version as a member of the collection that it was linked to."""

    artifact_membership: MembershipNode

    @property
    def version_index(self) -> int | None:
        """Return its number there."""
        return self.artifact_membership.version_index


@dataclass(frozen=True, slots=True)
class ManifestPayload:
    """The manifest that was created."""

    artifact_manifest: ManifestNode


@dataclass(frozen=True, slots=True)
class ArtifactUploads:
    """Where to upload files of an artifact."""

    files: Connection[ArtifactFile]


@dataclass(frozen=True, slots=True)
class MutationRoot:
    """The fields of Mutation."""

    site: Site

    def upsert_model(self, *, fields: Fields) -> UpsertedProject:
        """Create or change a project."""
        store = self.site.store
        before = store.find_project(fields.get("entity_name"), fields["name"])
        project = store.make_project(fields.get("entity_name"), fields["name"])
        if fields.get("description") is not None:
            project.description = fields["description"]
        return UpsertedProject(ProjectNode(self.site, project), inserted=before is None)

    def upsert_bucket(self, *, fields: Fields) -> UpsertedRun:
        """Create or change a run."""
        run, inserted = runs.upsert_run(self.site.store, fields)
        counted = self.site.store.assumptions.history_on_reinit == "counted"
        return UpsertedRun(RunNode(self.site, run, told_rows=None if counted else 0), inserted)

    def delete_run(self, *, fields: Fields) -> DeletedRun:
        """Delete a run."""
        runs.delete_run(self.site.store, fields["id"])
        return DeletedRun()

    def update_run_state(self, *, fields: Fields) -> Success:
        """Set the state of a run."""
        run = self.site.store.run_by_id(fields["id"])
        run.state = runs.as_state(fields["state"])
        return Success()

    def create_run_files(self, *, fields: Fields) -> RunUploads:
        """Say where to upload files of a run."""
        run = self._run(fields)
        return RunUploads(run.id, [RunFile(self.site, run, name) for name in fields["files"]])

    def mark_run_files_uploaded(self, *, fields: Fields) -> Success:
        """Take note that files were uploaded, which the server knows already."""
        run = self._run(fields)
        if missing := sorted(set(fields["files"]) - set(run.files)):
            raise Refusal(400, f"files were not uploaded: {', '.join(missing)}")
        return Success()

    def _run(self, fields: Fields) -> Any:
        names = (fields["entity_name"], fields["project_name"], fields["run_name"])
        return self.site.store.run(*names)

    def delete_files(self, *, fields: Fields) -> Success:
        """Delete files of runs."""
        for run in self.site.store.runs.values():
            for name in list(run.files):
                if RunFile(self.site, run, name).id in fields["files"]:
                    del run.files[name]
        return Success()

    def create_artifact(self, *, fields: Fields) -> ArtifactPayload:
        """Create a version, or find the one that has this content."""
        version = artifacts.create_artifact(self.site.store, fields)
        return ArtifactPayload(ArtifactNode(self.site, version))

    def create_artifact_manifest(self, *, fields: Fields) -> ManifestPayload:
        """Create the manifest of a version."""
        manifest = artifacts.create_manifest(self.site.store, fields)
        return ManifestPayload(ManifestNode(self.site, manifest))

    def create_artifact_files(self, *, fields: Fields) -> ArtifactUploads:
        """Say where to upload files of a version."""
        files = [self._upload(spec) for spec in fields["artifact_files"]]
        return ArtifactUploads(connect(files))

    def _upload(self, spec: Fields) -> ArtifactFile:
        birth, wanted = artifacts.create_file(self.site.store, spec)
        version = self.site.store.version(spec["artifact_id"])
        return ArtifactFile(self.site, version, spec["name"], birth, wanted)

    def commit_artifact(self, *, fields: Fields) -> ArtifactPayload:
        """Finish a version."""
        version = artifacts.commit_artifact(self.site.store, fields["artifact_id"])
        return ArtifactPayload(ArtifactNode(self.site, version))

    def use_artifact(self, *, fields: Fields) -> ArtifactPayload:
        """Note that a run used a version."""
        version = artifacts.use_artifact(self.site.store, fields)
        return ArtifactPayload(ArtifactNode(self.site, version))

    def update_artifact(self, *, fields: Fields) -> ArtifactPayload:
        """Change the description, metadata, tags or aliases of a version."""
        version = artifacts.update_artifact(self.site.store, fields)
        return ArtifactPayload(ArtifactNode(self.site, version))

    def delete_artifact(self, *, fields: Fields) -> ArtifactPayload:
        """Delete a version."""
        version = artifacts.delete_artifact(
            self.site.store,
            fields["artifact_id"],
            delete_aliases=bool(fields.get("delete_aliases")),
        )
        return ArtifactPayload(ArtifactNode(self.site, version))

    def link_artifact(self, *, fields: Fields) -> LinkPayload:
        """Link a version to a collection of another project."""
        version, collection = artifacts.link_artifact(self.site.store, fields)
        return LinkPayload(MembershipNode(self.site, version, collection))

    def add_aliases(self, *, fields: Fields) -> Success:
        """Point aliases at a version."""
        version = self.site.store.version(fields["artifact_id"])
        artifacts.add_aliases(version, fields["aliases"])
        return Success()

    def delete_aliases(self, *, fields: Fields) -> Success:
        """Take aliases away from a version."""
        version = self.site.store.version(fields["artifact_id"])
        artifacts.delete_aliases(version, fields["aliases"])
        return Success()
