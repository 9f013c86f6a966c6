"""The alias `latest`: it belongs to the newest version, in whatever order flow runs are synced.

Among mfwb's versions, the one of the flow run that started last gets it. A version of someone
else, for example of a live W&B run, is newer if W&B received it after our W&B run had ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import wandb

from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import (
    Collections,
    VersionTimes,
    read_version_times,
    version_number,
)
from mfwb.sink.client.version_keys import LATEST, NEWEST_START_KEY, OTHERS_KEY

__all__ = ["LATEST", "LatestAlias", "Moment"]

_PER_PAGE = 50

PlannedName = tuple[str, str]
"""The planned name and type of an artifact, which may have another name in its project."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an artifact of mfwb was created, in epoch ms.

    Attributes:
        started: the start of its flow run.
        ended: the end of the tasks of its W&B run.
    """

    started: int
    ended: int

    @classmethod
    def of(cls, started: int, ended: int | None) -> Moment:
        """Return the moment of a W&B run; one whose end is not known ended when it started."""
        return cls(started, started if ended is None else ended)

    def is_older_than(self, other: VersionTimes) -> bool:
        """Whether an existing version is newer."""
        return self.started < other.started or self.ended < other.by_others


@dataclass(slots=True)
class _NameState:
    """The state of the artifacts of one name."""

    newest_version: int | None = None  # the highest known version number; None: not requested yet
    logged: wandb.Artifact | None = None  # the newest version that this call logged
    logged_start: int = -1
    assignments: int = 0  # how often this call gave `latest` to a version
    assignments_before: dict[int, int] = field(default_factory=dict)  # by start, when W&B was asked
    lock: threading.Lock = field(default_factory=threading.Lock)


class LatestAlias:
    """Set the alias `latest` in one project, for all flow runs of a call."""

    def __init__(
        self, client: ApiClient, entity: str, project: str, collections: Collections
    ) -> None:
        self._client = client
        self._path = f"{entity}/{project}"
        self._collections = collections
        self._names: dict[str, _NameState] = {}
        self._announced: dict[PlannedName, int] = {}  # start of the newest flow run, in epoch ms
        self._lock = threading.Lock()

    def announce(self, artifacts: Iterable[PlannedName], start: int) -> None:
        """Announce the artifacts that a flow run with this start will log."""
        with self._lock:
            for artifact in artifacts:
                self._announced[artifact] = max(self._announced.get(artifact, -1), start)

    def is_newest(self, name: str, planned: PlannedName, moment: Moment) -> bool:
        """Return whether an artifact of mfwb gets `latest`; SinkError.

        Args:
            name: its name in this project.
            planned: the announced name and type.
            moment: when it was made.
        """
        with self._lock:
            announced = self._announced.get(planned, -1)
        state = self._state_of(name)
        with state.lock:
            collection = self._collections.get(name)
            state.newest_version = max(
                collection.newest_version,
                -1 if state.newest_version is None else state.newest_version,
            )
            state.assignments_before[moment.started] = state.assignments
            return moment.started >= announced and not moment.is_older_than(collection.latest)

    def note_version(self, name: str, artifact: wandb.Artifact) -> None:
        """Note a version that this call has just logged, in the order of the versions; SinkError.

        `set_aliases` may be called in another order. Without this, it would take a version of this
        call for one of somebody else, and ask W&B. One that follows a gap is not noted.

        Args:
            name: its name in this project.
            artifact: the version.
        """
        state = self._state_of(name)
        with state.lock:
            if state.newest_version is None:
                state.newest_version = self._collections.get(name).newest_version
            if version_number(artifact.version) == state.newest_version + 1:
                state.newest_version += 1

    def set_aliases(
        self,
        name: str,
        moment: Moment,
        artifact: wandb.Artifact,
        aliases: Iterable[str],
        *,
        is_stale: bool = False,
    ) -> None:
        """Set the aliases of a version that has arrived; SinkError.

        An existing version gets the newer start in its metadata. If a newer version came in while
        this one was uploaded, that one gets `latest` back.

        Args:
            name: its name in this project.
            moment: when it was made.
            artifact: the version.
            aliases: the aliases that it gets.
            is_stale: whether the version was read before `is_newest` was called.
        """
        state = self._state_of(name)
        aliases = set(aliases)
        with state.lock:
            assignments = state.assignments_before.pop(moment.started, None)
            if LATEST in aliases:
                # It may have lost `latest` since it was read.
                if is_stale or assignments != state.assignments:
                    artifact = self._reload(artifact)
                newer_version = self._find_newer_version(name, state, moment, artifact)
                if newer_version is not None:
                    self._save_aliases(newer_version, {LATEST}, -1)
                    aliases -= {LATEST}
                else:
                    state.logged, state.logged_start = artifact, moment.started
                    state.assignments += 1
            state.newest_version = max(
                version_number(artifact.version),
                -1 if state.newest_version is None else state.newest_version,
            )
            self._save_aliases(artifact, aliases, moment.started)

    def _find_newer_version(
        self, name: str, state: _NameState, moment: Moment, artifact: wandb.Artifact
    ) -> wandb.Artifact | None:
        """Return a newer version that was logged in the meantime; None if there is none."""
        if state.logged is not None and moment.started < state.logged_start:
            return self._reload(state.logged)
        if (
            state.newest_version is None
            or version_number(artifact.version) <= state.newest_version + 1
        ):
            return None
        known_version = state.newest_version  # somebody has logged versions since W&B was asked

        def request(api: wandb.Api) -> wandb.Artifact | None:
            for version in api.artifacts(artifact.type, f"{self._path}/{name}", per_page=_PER_PAGE):
                if version_number(version.version) <= known_version:
                    return None
                if version.id != artifact.id and moment.is_older_than(
                    read_version_times(dict(version.metadata), version.created_at)
                ):
                    return version
            return None

        return self._client.call(self._path, request, f"list the versions of {name}")

    def _reload(self, artifact: wandb.Artifact) -> wandb.Artifact:
        """Return a version as it is now: the given object does not show that it lost `latest`."""
        existing: wandb.Artifact = self._client.call(
            self._path,
            lambda api: api.artifact(f"{self._path}/{artifact.name}"),
            f"read {artifact.name}",
        )
        return existing

    def _save_aliases(self, artifact: wandb.Artifact, aliases: set[str], start: int) -> None:
        note = dict(artifact.metadata.get("mfwb") or {})
        has_newer_start = LATEST in aliases and int(note.get(NEWEST_START_KEY, -1)) < start
        if not has_newer_start and aliases <= set(artifact.aliases):
            return

        def action(_: wandb.Api) -> None:
            if has_newer_start:
                by_others = {} if note else {OTHERS_KEY: True}
                ours = {**note, NEWEST_START_KEY: start, **by_others}
                artifact.metadata = {**artifact.metadata, "mfwb": ours}
            artifact.aliases = sorted({*artifact.aliases, *aliases})
            artifact.save()

        self._client.call(self._path, action, f"set the aliases of {artifact.name}")

    def _state_of(self, name: str) -> _NameState:
        with self._lock:
            return self._names.setdefault(name, _NameState())
