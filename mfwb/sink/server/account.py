"""What W&B says of the credentials' account: teams, entities, projects, and the server itself.

These are queries alone. Whether somebody may write is known only as far as W&B says it; nothing is
written to find out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import nodes, require

__all__ = ["Account", "Entity", "Project", "Viewer"]

_VIEWER = "query DoctorViewer { viewer { username entity teams { edges { node { name } } } } }"
_ENTITY = "query DoctorEntity($name: String) { entity(name: $name) { name readOnly } }"
_ENTITY_OF_OLD_SERVERS = "query DoctorEntity($name: String) { entity(name: $name) { name } }"
_PROJECT = (
    "query DoctorProject($name: String, $entity: String) "
    "{ project(name: $name, entityName: $entity) { name readOnly } }"
)
_SERVER = (
    "query DoctorServer { serverInfo { latestLocalVersionInfo { versionOnThisInstanceString } } }"
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose credentials these are.

    Attributes:
        name: of the user.
        entity: the default entity.
        entities: all entities of the user: the own one, and the teams.
    """

    name: str
    entity: str | None
    entities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that exists; `read_only` is None if the server does not say it."""

    name: str
    read_only: bool | None


@dataclass(frozen=True, slots=True)
class Project:
    """A project that exists; `read_only` is None if the server does not say it."""

    name: str
    read_only: bool | None


class Account:
    """Queries with the credentials of one call."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def viewer(self) -> Viewer:
        """Return whose credentials these are; SinkError."""
        viewer = require(self._query(_VIEWER, {}, "ask whose key it is"), "viewer")
        teams = [str(require(team, "name")) for team in nodes(require(viewer, "teams"))]
        name, entity = viewer.get("username"), viewer.get("entity")
        own = [str(owner) for owner in (name, entity) if owner]
        return Viewer(str(name or entity or "unknown"), entity, frozenset([*own, *teams]))

    def entity(self, name: str) -> Entity | None:
        """Return an entity; None if W&B has none of that name, or does not show it; SinkError."""
        purpose = f"look up the entity {name}"
        try:
            answer = self._query(_ENTITY, {"name": name}, purpose)
        except SinkError as error:
            if not _is_unknown_field(error):
                raise
            answer = self._query(_ENTITY_OF_OLD_SERVERS, {"name": name}, purpose)
        existing = answer.get("entity")
        return None if existing is None else Entity(name, existing.get("readOnly"))

    def project(self, entity: str, name: str) -> Project | None:
        """Return a project; None if W&B has none of that name, or does not show it; SinkError."""
        variables = {"entity": entity, "name": name}
        answer = self._query(_PROJECT, variables, f"look up the project {entity}/{name}")
        existing = answer.get("project")
        return None if existing is None else Project(name, existing.get("readOnly"))

    def server_version(self) -> str | None:
        """Return the version of a self-hosted server; None if it reports none; SinkError."""
        try:
            answer = self._query(_SERVER, {}, "ask for the version of the server")
        except SinkError as error:
            if _is_unknown_field(error):
                return None
            raise
        info = (answer.get("serverInfo") or {}).get("latestLocalVersionInfo") or {}
        version = info.get("versionOnThisInstanceString")
        return str(version) if version else None

    def _query(self, text: str, variables: dict[str, Any], purpose: str) -> Mapping[str, Any]:
        entity = str(variables.get("entity") or variables.get("name") or "")
        return self._client.call(entity, lambda api: execute_graphql(api, text, variables), purpose)


def _is_unknown_field(error: SinkError) -> bool:
    return "Cannot query field" in str(error)
