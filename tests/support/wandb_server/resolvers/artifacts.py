"""Artifact types, collections, versions and memberships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.wandb_server.filters import collection_value, select, version_value
from tests.support.wandb_server.records import Collection, Manifest, Project, Version, node_id

from .connection import Connection, connect
from .files import ArtifactFile, ManifestFile
from .site import Site, moment

if TYPE_CHECKING:
    from .runs import ProjectNode, RunNode

# A version without a time to live of its own.
_TTL_INHERITED = -1


@dataclass(frozen=True, slots=True)
class TagNode:
    """A tag of a version."""

    name: str

    @property
    def id(self) -> str:
        """Return the tag id."""
        return node_id("Tag", self.name)


@dataclass(frozen=True, slots=True)
class AliasNode:
    """A name that points to one version of a collection."""

    site: Site
    collection: Collection
    alias: str

    @property
    def id(self) -> str:
        """Return the alias id."""
        return node_id("ArtifactAlias", self.collection.id, self.alias)

    @property
    def artifact_collection(self) -> CollectionNode:
        """Return the collection that the alias is of."""
        return CollectionNode(self.site, self.collection)


@dataclass(frozen=True, slots=True)
class TypeNode:
    """An artifact type of a project."""

    site: Site
    project: Project
    name: str
    description: str | None = None

    @property
    def id(self) -> str:
        """Return the type id."""
        return node_id("ArtifactType", self.project.id, self.name)

    @property
    def created_at(self) -> str:
        """Return when the type was first used."""
        return moment(self.project.types[self.name])

    def artifact_collection(self, *, name: str) -> CollectionNode | None:
        """Return the collection of that name, if it is of this type."""
        collection = self.project.collections.get(name)
        if collection is None or collection.type != self.name:
            return None
        return CollectionNode(self.site, collection)

    def artifact_collections(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        filters: str | None = None,
        order: str | None = None,
    ) -> Connection[CollectionNode]:
        """Return the collections of this type."""
        mine = [c for c in self.project.collections.values() if c.type == self.name]
        return collections_page(
            self.site, mine, first=first, after=after, filters=filters, order=order
        )


def collections_page(  # noqa: PLR0913 - the arguments of the GraphQL field
    site: Site,
    collections: Sequence[Collection],
    *,
    first: int | None,
    after: str | None,
    filters: str | None,
    order: str | None,
) -> Connection[CollectionNode]:
    """Return a page of collections; those without a version are not shown."""
    shown = [collection for collection in collections if collection.committed]
    chosen = select(shown, filters, order, collection_value)
    return connect([CollectionNode(site, collection) for collection in chosen], first, after)


@dataclass(frozen=True, slots=True)
class CollectionNode:
    """All versions of one name: a sequence, as W&B calls it; of links, a portfolio."""

    site: Site
    collection: Collection
    description: str | None = None
    updated_at: str | None = None
    digest_algorithm: str = "MANIFEST_MD5"

    @property
    def typename(self) -> str:
        """Return the type in the schema."""
        return "ArtifactPortfolio" if self.collection.is_portfolio else "ArtifactSequence"

    @property
    def id(self) -> str:
        """Return the collection id."""
        return self.collection.id

    @property
    def name(self) -> str:
        """Return the name."""
        return self.collection.name

    @property
    def created_at(self) -> str:
        """Return when the name was first used."""
        return moment(self.collection.created_at)

    @property
    def project(self) -> ProjectNode:
        """Return the project."""
        from .runs import ProjectNode  # noqa: PLC0415 - the two types name each other

        return ProjectNode(self.site, self.collection.project)

    @property
    def default_artifact_type(self) -> TypeNode:
        """Return the type of all versions."""
        return TypeNode(self.site, self.collection.project, self.collection.type)

    @property
    def tags(self) -> Connection[TagNode]:
        """Return no tags: those of collections are not kept."""
        return connect([])

    def aliases(
        self, *, first: int | None = None, after: str | None = None
    ) -> Connection[AliasNode]:
        """Return the aliases of all versions."""
        names = sorted(self.collection.aliases)
        return connect([AliasNode(self.site, self.collection, a) for a in names], first, after)

    def artifacts(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        order: str | None = None,
        filters: str | None = None,
    ) -> Connection[ArtifactNode]:
        """Return the versions, the newest first."""
        newest_first = list(reversed(self.collection.committed))
        versions = select(newest_first, filters, order, version_value)
        return connect([ArtifactNode(self.site, version) for version in versions], first, after)

    def artifact_membership(self, *, alias_name: str) -> MembershipNode | None:
        """Return the version that an alias points to."""
        version = self.collection.find(alias_name)
        return MembershipNode(self.site, version, self.collection) if version else None

    @property
    def latest_artifact(self) -> ArtifactNode | None:
        """Return the version with the highest number."""
        committed = self.collection.committed
        return ArtifactNode(self.site, committed[-1]) if committed else None


@dataclass(frozen=True, slots=True)
class MembershipNode:
    """A version as a member of a collection: that it was logged to, or that it is linked to."""

    site: Site
    version: Version
    collection: Collection

    @property
    def id(self) -> str:
        """Return the membership id."""
        return node_id("ArtifactCollectionMembership", self.version.id, self.collection.id)

    @property
    def version_index(self) -> int | None:
        """Return the number in the collection."""
        return self.collection.index_of(self.version)

    @property
    def created_at(self) -> str:
        """Return when the version was created, or linked."""
        links = self.collection.links
        return moment(self.version.created_at if links is None else links[self.version.serial][1])

    @property
    def aliases(self) -> list[AliasNode]:
        """Return the aliases that point here."""
        names = self.collection.aliases_of(self.version)
        return [AliasNode(self.site, self.collection, name) for name in names]

    @property
    def artifact_collection(self) -> CollectionNode:
        """Return the collection."""
        return CollectionNode(self.site, self.collection)

    @property
    def artifact(self) -> ArtifactNode:
        """Return the version."""
        return ArtifactNode(self.site, self.version)

    def files(
        self,
        *,
        names: list[str] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[ArtifactFile]:
        """Return the files whose bytes are here, all or those named."""
        chosen = [n for n in sorted(self.version.files) if not names or n in names]
        return connect([ArtifactFile(self.site, self.version, n) for n in chosen], first, after)


@dataclass(frozen=True, slots=True)
class ManifestNode:
    """The list of files of a version."""

    site: Site
    manifest: Manifest

    @property
    def id(self) -> str:
        """Return the manifest id."""
        return self.manifest.id

    @property
    def file(self) -> ManifestFile:
        """Return the manifest as a file."""
        return ManifestFile(self.site, self.manifest)


@dataclass(frozen=True, slots=True)
class ArtifactNode:
    """An artifact version."""

    site: Site
    version: Version
    digest_algorithm: str = "MANIFEST_MD5"
    commit_hash: str | None = None
    updated_at: str | None = None

    @property
    def id(self) -> str:
        """Return the artifact id."""
        return self.version.id

    @property
    def artifact_sequence(self) -> CollectionNode:
        """Return the collection it was logged to."""
        return CollectionNode(self.site, self.version.collection)

    @property
    def artifact_type(self) -> TypeNode:
        """Return the type."""
        return self.artifact_sequence.default_artifact_type

    @property
    def version_index(self) -> int | None:
        """Return the number, or None before the commit."""
        return self.version.index

    @property
    def description(self) -> str | None:
        """Return the description."""
        return self.version.description

    @property
    def metadata(self) -> str | None:
        """Return the metadata as JSON."""
        return self.version.metadata

    @property
    def ttl_duration_seconds(self) -> int:
        """Return the time to live."""
        return _TTL_INHERITED if self.version.ttl is None else self.version.ttl

    @property
    def ttl_is_inherited(self) -> bool:
        """Say whether the time to live is that of the project."""
        return self.version.ttl is None

    @property
    def tags(self) -> list[TagNode]:
        """Return the tags."""
        return [TagNode(name) for name in self.version.tags]

    @property
    def history_step(self) -> int | None:
        """Return the step at which the run logged it."""
        return self.version.history_step

    @property
    def state(self) -> str:
        """Return PENDING, COMMITTED or DELETED."""
        return self.version.state

    @property
    def size(self) -> int:
        """Return the size of all entries, references among them."""
        return sum(entry.get("size") or 0 for entry in self._contents.values())

    @property
    def digest(self) -> str:
        """Return the digest of the content."""
        return self.version.digest

    @property
    def file_count(self) -> int:
        """Return the number of entries."""
        return len(self._contents)

    @property
    def created_at(self) -> str:
        """Return when the version was created."""
        return moment(self.version.created_at)

    @property
    def aliases(self) -> list[AliasNode]:
        """Return the aliases that point here."""
        return [AliasNode(self.site, self.version.collection, a) for a in self.version.aliases]

    @property
    def current_manifest(self) -> ManifestNode | None:
        """Return the manifest."""
        manifest = self.version.manifest
        return ManifestNode(self.site, manifest) if manifest else None

    @property
    def created_by(self) -> RunNode | None:
        """Return the run that logged it first."""
        from .runs import RunNode  # noqa: PLC0415 - the two types name each other

        path = self.version.created_by
        return RunNode.at(self.site, path) if path else None

    @property
    def used_by(self) -> Connection[RunNode]:
        """Return the runs that used it."""
        from .runs import RunNode  # noqa: PLC0415 - the two types name each other

        return connect([RunNode.at(self.site, path) for path in self.version.used_by])

    @property
    def artifact_memberships(self) -> Connection[MembershipNode]:
        """Return the membership where it was logged, and those where it is linked."""
        collections = (self.version.collection, *self.version.linked_to)
        return connect([MembershipNode(self.site, self.version, it) for it in collections])

    def files_by_manifest_entries(
        self, *, entries: list[Mapping[str, Any]] | None = None, **_layout: str | None
    ) -> Connection[ArtifactFile]:
        """Return the files of these entries, in the same order."""
        return connect([ArtifactFile(self.site, self.version, e["name"]) for e in entries or []])

    @property
    def _contents(self) -> Mapping[str, Mapping[str, Any]]:
        return self.version.manifest.contents if self.version.manifest else {}
