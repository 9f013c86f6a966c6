"""What a project has of some names: the type that each has for good, and the version with `latest`.

W&B calls all versions of one name a collection.
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

__all__ = [
    "LATEST",
    "NEWEST_START_KEY",
    "OTHERS_KEY",
    "Collection",
    "Collections",
    "VersionTimes",
    "read_version_times",
    "version_number",
]

LATEST = "latest"
NEWEST_START_KEY = "newest_flow_run_started_at"
"""The key in an artifact's metadata, below `mfwb`, that says which flow run logged it last."""

OTHERS_KEY = "somebody_else_logged_it_first"
"""The key beside it that says that W&B made this version for somebody else."""

_FRESH = 10.0  # seconds; others may log something at any time
_NAMES_PER_QUERY = 50

_FIELDS = """{
    defaultArtifactType { name }
    artifacts(first: 1) { edges { node { versionIndex } } }
    artifactMembership(aliasName: "latest") { artifact { createdAt metadata } }
}"""


@dataclass(frozen=True, slots=True)
class VersionTimes:
    """When a version was made, in epoch ms.

    Attributes:
        started: of ours: when the newest flow run began that logged it; -1: it is none of ours.
        by_others: when somebody else logged it; -1: nobody did.
    """

    started: int = -1
    by_others: int = -1


@dataclass(frozen=True, slots=True)
class Collection:
    """The versions of one name.

    Attributes:
        type: of all of them; None: there is none.
        latest: of the one that has `latest`; nothing if none has.
        newest_version: the number of the newest one; -1: there is none.
    """

    type: str | None = None
    latest: VersionTimes = VersionTimes()
    newest_version: int = -1


class Collections:
    """The collections of one project, as they were a moment ago."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self._client = client
        self._entity = entity
        self._project = project
        self._known: dict[str, tuple[float, Collection]] = {}
        self._types: dict[str, str] = {}  # of those that are there: these never change
        self._lock = Lock()

    def load(self, names: Iterable[str]) -> None:
        """Ask for some names, many at once, unless they have just been asked for; SinkError."""
        now = time.monotonic()
        with self._lock:
            stale = [name for name in dict.fromkeys(names) if not self._is_fresh(name, now)]
        for start in range(0, len(stale), _NAMES_PER_QUERY):
            some = stale[start : start + _NAMES_PER_QUERY]
            said = self._client.call(
                f"{self._entity}/{self._project}",
                lambda api, some=some: self._ask(api, some),  # type: ignore[misc]
                f"look up the artifacts of {self._entity}/{self._project}",
            )
            try:
                found = [_collection(one) for one in said]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                place = f"{self._entity}/{self._project}"
                told = f"W&B's answer about the artifacts of {place} can't be read: {error!r}"
                raise SinkError(told) from error
            with self._lock:
                for name, one in zip(some, found, strict=True):
                    self._known[name] = (now, one)
                    if one.type is not None:
                        self._types[name] = one.type

    def get(self, name: str) -> Collection:
        """Return what there is of a name; SinkError."""
        self.load([name])
        with self._lock:
            return self._known[name][1]

    def name_in_project(self, name: str, type_: str) -> str:
        """Return what an artifact of a type is called in this project; SinkError.

        A name keeps its type for good: what is of another one goes by another name.
        """
        for candidate in names_in_project(name, type_):
            with self._lock:
                known = self._types.get(candidate)
            if (known or self.get(candidate).type or type_) == type_:
                return candidate
        return name  # W&B refuses it, and says why

    def note(self, name: str, type_: str) -> None:
        """Hear that something of a type was logged."""
        with self._lock:
            self._types[name] = type_

    def forget(self, names: Iterable[str]) -> None:
        """Hear that what was known of names may not hold any more."""
        with self._lock:
            for name in names:
                self._known.pop(name, None)

    def _is_fresh(self, name: str, now: float) -> bool:
        asked, _ = self._known.get(name, (float("-inf"), None))
        return now - asked < _FRESH

    def _ask(self, api: wandb.Api, names: Sequence[str]) -> list[Any]:
        """Return what W&B says of each name; None: it has none of that name."""
        variables = {f"n{place}": name for place, name in enumerate(names)}
        declared = ", ".join(f"${one}: String!" for one in variables)
        asked = "\n".join(f"{one}: artifactCollection(name: ${one}) {_FIELDS}" for one in variables)
        text = (
            f"query MfwbCollections($entity: String!, $project: String!, {declared}) "
            f"{{ project(name: $project, entityName: $entity) {{ {asked} }} }}"
        )
        place = {"entity": self._entity, "project": self._project}
        project = execute_graphql(api, text, {**place, **variables})["project"] or {}
        return [project.get(one) for one in variables]


def _collection(said: Any) -> Collection:
    if said is None:
        return Collection()
    numbers = [edge["node"]["versionIndex"] for edge in said["artifacts"]["edges"]]
    membership = said["artifactMembership"]
    latest = VersionTimes()
    if membership is not None and membership["artifact"] is not None:
        artifact = membership["artifact"]
        latest = read_version_times(_mapping(artifact["metadata"]), artifact["createdAt"])
    return Collection(
        type=said["defaultArtifactType"]["name"],
        latest=latest,
        newest_version=max((one for one in numbers if one is not None), default=-1),
    )


def read_version_times(metadata: Any, created_at: str) -> VersionTimes:
    """Return when a version was made, as its metadata and W&B say."""
    said = metadata.get("mfwb") if isinstance(metadata, dict) else None
    said = said if isinstance(said, dict) else {}
    started = said.get(NEWEST_START_KEY, -1)
    is_ours = type(started) is int and started >= 0 and not said.get(OTHERS_KEY)
    return VersionTimes(
        started=started if type(started) is int else -1,
        by_others=-1 if is_ours else _epoch_ms(created_at),
    )


def version_number(version: str) -> int:
    """Return the number of a version, which W&B calls `v7`."""
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
