"""What can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from .artifacts import ArtifactNode, CollectionNode
from .connection import Connection, connect
from .people import EntityNode, ServerInfo, UserNode
from .runs import ProjectNode
from .site import Site


@dataclass(frozen=True, slots=True)
class ClientIdMapping:
    """The server's id of an artifact that a client named before it was logged."""

    server_id: str


@dataclass(frozen=True, slots=True)
class QueryRoot:
    """The fields of Query."""

    site: Site

    @property
    def viewer(self) -> UserNode:
        """Return who asks."""
        return UserNode(self.site)

    @property
    def server_info(self) -> ServerInfo:
        """Return what the server can do."""
        return ServerInfo(self.site)

    def entity(self, *, name: str | None = None) -> EntityNode | None:
        """Return an entity, or None if it is not there."""
        store = self.site.store
        known = name in {*store.entities, *store.strange_entities}
        if not name or not known:
            return None
        return EntityNode(self.site, name, read_only=name in store.read_only)

    def project(
        self, *, name: str | None = None, entity_name: str | None = None
    ) -> ProjectNode | None:
        """Return a project, or None if it is not there."""
        project = self.site.store.find_project(entity_name, name)
        return ProjectNode(self.site, project) if project else None

    def model(
        self, *, name: str | None = None, entity_name: str | None = None
    ) -> ProjectNode | None:
        """Return a project, by the old word for projects."""
        return self.project(name=name, entity_name=entity_name)

    def models(
        self,
        *,
        entity_name: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[ProjectNode]:
        """Return the projects of an entity."""
        projects = self.site.store.projects.values()
        mine = [ProjectNode(self.site, p) for p in projects if p.entity == entity_name]
        return connect(mine, first, after)

    def artifact(self, *, node_id: str) -> ArtifactNode | None:
        """Return an artifact version by its id."""
        version = self.site.store.versions.get(node_id)
        return ArtifactNode(self.site, version) if version else None

    def artifact_collection(self, *, node_id: str) -> CollectionNode | None:
        """Return an artifact collection by its id."""
        collection = self.site.store.collections.get(node_id)
        return CollectionNode(self.site, collection) if collection else None

    def client_id_mapping(self, *, client_id: str) -> ClientIdMapping | None:
        """Return the server's id of an artifact that a client named."""
        version = self.site.store.client_ids.get(client_id)
        return ClientIdMapping(version.id) if version else None
