"""Users, entities and the server itself."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.wandb_server.records import node_id

from .connection import Connection, connect
from .site import Site

# What a current W&B server says it can do, of what this stand-in can do.
FEATURES = (
    "LARGE_FILENAMES",
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "STRUCTURED_CONSOLE_LOGS",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILE_DOWNLOAD_HANDLER",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_DIGEST_ALGORITHM",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "MARK_RUN_FILES_UPLOADED",
    "FILESTREAM_GZIP",
)


@dataclass(frozen=True, slots=True)
class EntityNode:
    """A team, or a user as an owner of projects."""

    site: Site
    name: str
    user: None = None
    read_only: bool = False
    xxhash_digests_enabled: bool = False

    @property
    def id(self) -> str:
        """Return the entity id."""
        return node_id("Entity", self.name)

    @property
    def organization(self) -> OrganizationNode | None:
        """Return the organization that the team belongs to."""
        names = self.site.store.organizations.get(self.name)
        return None if names is None else OrganizationNode(self.site, *names)


@dataclass(frozen=True, slots=True)
class OrganizationNode:
    """An organization, whose registries its own entity has."""

    site: Site
    name: str
    entity_name: str
    core_weave_organization_id: None = None

    @property
    def org_entity(self) -> EntityNode:
        """Return the entity of its registries."""
        return EntityNode(self.site, self.entity_name)


@dataclass(frozen=True, slots=True)
class UserNode:
    """The one user of the server, who owns the API key."""

    site: Site
    typename: str = "User"
    name: str = "Test User"
    username: str = "tester"
    email: str = "tester@example.com"
    admin: bool = False
    flags: str = "{}"
    deleted_at: None = None

    @property
    def id(self) -> str:
        """Return the user id."""
        return node_id("User", "1")

    @property
    def entity(self) -> str:
        """Return the default entity."""
        return self.site.store.entities[0]

    @property
    def teams(self) -> Connection[EntityNode]:
        """Return all entities that the user may write to."""
        return connect([EntityNode(self.site, name) for name in self.site.store.entities])

    @property
    def api_keys(self) -> Connection[None]:
        """Return no keys: the server does not tell them."""
        return connect([])


@dataclass(frozen=True, slots=True)
class Feature:
    """Something the server can do."""

    name: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class LocalVersion:
    """The version of a server of one's own."""

    version_on_this_instance_string: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server says of itself."""

    site: Site

    @property
    def latest_local_version_info(self) -> LocalVersion | None:
        """Return the version, if this is a server of one's own."""
        version = self.site.store.server_version
        return None if version is None else LocalVersion(version)

    @property
    def features(self) -> list[Feature]:
        """Return what the server can do."""
        return [Feature(name) for name in FEATURES]
