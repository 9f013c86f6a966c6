"""Artifact collections of a project: the type of each name, and the version with `latest`.

A collection is W&B's term for all versions of one name. Its type never changes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import Any

import wandb

from mfwb.errors import SinkError
from mfwb.planning.names import names_in_project
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.version_keys import NEWEST_START_KEY, OTHERS_KEY

__all__ = [
    "Collection",
    "Collections",
    "VersionRecord",
    "VersionTimes",
    "find_versions",
    "read_version_times",
    "version_number",
]

_CACHE_SECONDS = 10.0  # short, since other processes may log artifacts at any time
_NAMES_PER_QUERY = 50

_FIELDS = """{
    defaultArtifactType { name }
    artifacts(first: 1) { edges { node { versionIndex } } }
    artifactMembership(aliasName: "latest") { artifact { createdAt metadata } }
}"""


@dataclass(frozen=True, slots=True)
class VersionTimes:
    """When a version was logged, in epoch ms.

    Attributes:
        started: the start of the newest flow run that logged it; -1 if mfwb did not log it.
        by_others: when someone else logged it; -1 if nobody did.
    """

    started: int = -1
    by_others: int = -1


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version that has an alias.

    Attributes:
        id: in W&B.
        created_at: W&B's time, as text.
        metadata: of any shape, since anybody may have changed it.
    """

    id: str
    created_at: str
    metadata: Any

    @property
    def times(self) -> VersionTimes:
        """When it was logged."""
        return read_version_times(self.metadata, self.created_at)


@dataclass(frozen=True, slots=True)
class Collection:
    """The versions of one name.

    Attributes:
        type: the type of all versions; None if there is no version.
        latest: the times of the version with `latest`; empty if none has it.
        newest_version: the number of the newest version; -1 if there is none.
    """

    type: str | None = None
    latest: VersionTimes = VersionTimes()
    newest_version: int = -1


class Collections:
    """The collections of one project, cached for a few seconds."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self._client = client
        self._entity = entity
        self._project = project
        self._cache: dict[str, tuple[float, Collection]] = {}
        self._types: dict[str, str] = {}  # of existing names; a type never changes
        self._lock = Lock()
        self._loading = Lock()

    def load(self, names: Iterable[str]) -> None:
        """Load the collections of some names, many per request, unless cached; SinkError."""
        names = list(dict.fromkeys(names))
        if self._stale(names):
            with self._loading:  # what another thread loads just now is cached then
                self._load(self._stale(names))

    def _stale(self, names: Iterable[str]) -> list[str]:
        now = time.monotonic()
        with self._lock:
            return [name for name in names if not self._is_fresh(name, now)]

    def _load(self, stale: Sequence[str]) -> None:
        now = time.monotonic()
        for start in range(0, len(stale), _NAMES_PER_QUERY):
            batch = stale[start : start + _NAMES_PER_QUERY]
            answers = self._client.call(
                f"{self._entity}/{self._project}",
                lambda api, batch=batch: self._query(api, batch),  # type: ignore[misc]
                f"look up the artifacts of {self._entity}/{self._project}",
            )
            try:
                collections = [_parse_collection(collection) for collection in answers]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                path = f"{self._entity}/{self._project}"
                message = f"W&B's answer about the artifacts of {path} can't be read: {error!r}"
                raise SinkError(message) from error
            with self._lock:
                for name, collection in zip(batch, collections, strict=True):
                    self._cache[name] = (now, collection)
                    if collection.type is not None:
                        self._types[name] = collection.type

    def get(self, name: str) -> Collection:
        """Return the collection of a name; SinkError."""
        self.load([name])
        with self._lock:
            return self._cache[name][1]

    def name_in_project(self, name: str, type_: str) -> str:
        """Return the name of an artifact of a type in this project; SinkError.

        A name keeps its type for ever: an artifact of another type gets another name.
        """
        for candidate in names_in_project(name, type_):
            with self._lock:
                known_type = self._types.get(candidate)
            if (known_type or self.get(candidate).type or type_) == type_:
                return candidate
        return name  # W&B refuses it, with its reason

    def note(self, name: str, type_: str) -> None:
        """Note the type of a name that was logged just now."""
        with self._lock:
            self._types[name] = type_

    def forget(self, names: Iterable[str]) -> None:
        """Remove names from the cache: others may have changed them."""
        with self._lock:
            for name in names:
                self._cache.pop(name, None)

    def _is_fresh(self, name: str, now: float) -> bool:
        requested, _ = self._cache.get(name, (float("-inf"), None))
        return now - requested < _CACHE_SECONDS

    def _query(self, api: wandb.Api, names: Sequence[str]) -> list[Any]:
        """Return W&B's record of each name; None if the name does not exist."""
        variables = {f"n{index}": name for index, name in enumerate(names)}
        declared = ", ".join(f"${variable}: String!" for variable in variables)
        queries = "\n".join(
            f"{variable}: artifactCollection(name: ${variable}) {_FIELDS}" for variable in variables
        )
        text = (
            f"query MfwbCollections($entity: String!, $project: String!, {declared}) "
            f"{{ project(name: $project, entityName: $entity) {{ {queries} }} }}"
        )
        project_variables = {"entity": self._entity, "project": self._project}
        project = execute_graphql(api, text, {**project_variables, **variables})["project"] or {}
        return [project.get(variable) for variable in variables]


def _parse_collection(node: Any) -> Collection:
    if node is None:
        return Collection()
    numbers = [edge["node"]["versionIndex"] for edge in node["artifacts"]["edges"]]
    membership = node["artifactMembership"]
    latest = VersionTimes()
    if membership is not None and membership["artifact"] is not None:
        artifact = membership["artifact"]
        latest = read_version_times(_mapping(artifact["metadata"]), artifact["createdAt"])
    return Collection(
        type=node["defaultArtifactType"]["name"],
        latest=latest,
        newest_version=max((number for number in numbers if number is not None), default=-1),
    )


def find_versions(
    client: ApiClient, path: tuple[str, str, str], aliases: Sequence[str]
) -> dict[str, VersionRecord]:
    """Return the versions that have some aliases now, by alias; SinkError.

    Args:
        client: of W&B.
        path: entity, project and the name of the artifact.
        aliases: of them, those that no version has are not in the result.
    """
    variables = {f"a{number}": alias for number, alias in enumerate(aliases)}
    declared = "".join(f", ${name}: String!" for name in variables)
    fields = "\n".join(
        f"{name}: artifactMembership(aliasName: ${name}) {{ artifact {{ id createdAt metadata }} }}"
        for name in variables
    )
    text = (
        f"query MfwbAliases($entity: String!, $project: String!, $name: String!{declared}) "
        "{ project(name: $project, entityName: $entity) "
        f"{{ artifactCollection(name: $name) {{ {fields} }} }} }}"
    )
    entity, project, name = path
    names = {"entity": entity, "project": project, "name": name}

    def request(api: wandb.Api) -> dict[str, VersionRecord]:
        answer = execute_graphql(api, text, {**names, **variables})["project"] or {}
        collection = answer.get("artifactCollection") or {}
        memberships = {alias: collection.get(key) or {} for key, alias in variables.items()}
        return {
            alias: VersionRecord(
                artifact["id"], artifact["createdAt"], _mapping(artifact["metadata"])
            )
            for alias, membership in memberships.items()
            if (artifact := membership.get("artifact")) is not None
        }

    return client.call(f"{entity}/{project}", request, f"read the aliases of {name}")


def read_version_times(metadata: Any, created_at: str) -> VersionTimes:
    """Return when a version was logged, from its metadata and W&B's time."""
    note = metadata.get("mfwb") if isinstance(metadata, dict) else None
    note = note if isinstance(note, dict) else {}
    started = note.get(NEWEST_START_KEY, -1)
    is_ours = type(started) is int and started >= 0 and not note.get(OTHERS_KEY)
    return VersionTimes(
        started=started if type(started) is int else -1,
        by_others=-1 if is_ours else _epoch_ms(created_at),
    )


def version_number(version: str) -> int:
    """Return the number of a version; W&B writes it as `v7`."""
    return int(version.removeprefix("v"))


def _mapping(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _epoch_ms(text: str) -> int:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)
