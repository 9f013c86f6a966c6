"""Who has the alias `latest`: the newest version, in whatever order flow runs are synced.

Among flow runs the one that started last has it. Somebody else's version, as of a live W&B run, is
newer if W&B got it after the W&B run of ours had ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import wandb

from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import (
    LATEST,
    NEWEST_START_KEY,
    OTHERS_KEY,
    Collections,
    VersionTimes,
    read_version_times,
    version_number,
)

__all__ = ["LATEST", "LatestAlias", "Moment"]

_PER_PAGE = 50

Planned = tuple[str, str]
"""Name and type of an artifact, before it is known what it is called in its project."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an artifact of ours was made, in epoch ms.

    Attributes:
        started: when its flow run began.
        ended: when the tasks of its W&B run ended.
    """

    started: int
    ended: int

    def is_before(self, other: VersionTimes) -> bool:
        """Whether a version that is there is newer."""
        return self.started < other.started or self.ended < other.by_others


@dataclass(slots=True)
class _Name:
    """What is known of the artifacts of one name."""

    top: int | None = None  # number of the newest version that is known; None: not asked yet
    arrived: wandb.Artifact | None = None  # the newest one that this call logged
    arrived_start: int = -1
    moves: int = 0  # how often this call gave `latest` to a version
    moves_before: dict[int, int] = field(default_factory=dict)  # by start, when W&B was asked
    lock: threading.Lock = field(default_factory=threading.Lock)


class LatestAlias:
    """Decides about `latest` in one project, for all flow runs of a call."""

    def __init__(
        self, client: ApiClient, entity: str, project: str, collections: Collections
    ) -> None:
        self._client = client
        self._path = f"{entity}/{project}"
        self._collections = collections
        self._names: dict[str, _Name] = {}
        self._announced: dict[Planned, int] = {}  # start of the newest flow run, in epoch ms
        self._lock = threading.Lock()

    def announce(self, artifacts: Iterable[Planned], start: int) -> None:
        """Hear that a flow run that started then will log artifacts that were planned so."""
        with self._lock:
            for one in artifacts:
                self._announced[one] = max(self._announced.get(one, -1), start)

    def is_newest(self, name: str, planned: Planned, moment: Moment) -> bool:
        """Return whether an artifact of ours gets `latest`; SinkError.

        Args:
            name: that it has in this project.
            planned: as it was announced.
            moment: when it was made.
        """
        with self._lock:
            announced = self._announced.get(planned, -1)
        of = self._of(name)
        with of.lock:
            there = self._collections.get(name)
            of.top = max(there.top, -1 if of.top is None else of.top)
            of.moves_before[moment.started] = of.moves
            return moment.started >= announced and not moment.is_before(there.latest)

    def arrived(
        self,
        name: str,
        moment: Moment,
        artifact: wandb.Artifact,
        aliases: Iterable[str],
        *,
        as_before: bool = False,
    ) -> None:
        """Put aliases where they belong, now that a version is there; SinkError.

        A version that W&B had already says by its metadata that a newer flow run logged it. If a
        newer one came in while this one was on its way, `latest` is given back.

        Args:
            name: of the artifact.
            moment: when it was made.
            artifact: the version.
            aliases: that it is to have.
            as_before: the version is at hand as it was before `is_newest` was asked.
        """
        of = self._of(name)
        aliases = set(aliases)
        with of.lock:
            moves = of.moves_before.pop(moment.started, None)
            if LATEST in aliases:
                if as_before or moves != of.moves:  # it may have lost `latest` meanwhile
                    artifact = self._again(artifact)
                newer = self._newer(name, of, moment, artifact)
                if newer is not None:
                    self._settle(newer, {LATEST}, -1)
                    aliases -= {LATEST}
                else:
                    of.arrived, of.arrived_start = artifact, moment.started
                    of.moves += 1
            of.top = max(version_number(artifact.version), -1 if of.top is None else of.top)
            self._settle(artifact, aliases, moment.started)

    def _newer(
        self, name: str, of: _Name, moment: Moment, artifact: wandb.Artifact
    ) -> wandb.Artifact | None:
        """Return the version that came in meanwhile, and is newer; None if there is none."""
        if of.arrived is not None and moment.started < of.arrived_start:
            return self._again(of.arrived)
        if of.top is None or version_number(artifact.version) <= of.top + 1:
            return None
        low = of.top  # somebody has logged versions since W&B was asked

        def request(api: wandb.Api) -> wandb.Artifact | None:
            for one in api.artifacts(artifact.type, f"{self._path}/{name}", per_page=_PER_PAGE):
                if version_number(one.version) <= low:
                    return None
                if one.id != artifact.id and moment.is_before(
                    read_version_times(dict(one.metadata), one.created_at)
                ):
                    return one
            return None

        return self._client.call(self._path, request, f"list the versions of {name}")

    def _again(self, artifact: wandb.Artifact) -> wandb.Artifact:
        """Return a version as it is now; the object at hand has not heard that it lost `latest`."""
        existing: wandb.Artifact = self._client.call(
            self._path,
            lambda api: api.artifact(f"{self._path}/{artifact.name}"),
            f"read {artifact.name}",
        )
        return existing

    def _settle(self, artifact: wandb.Artifact, aliases: set[str], start: int) -> None:
        said = dict(artifact.metadata.get("mfwb") or {})
        is_news = LATEST in aliases and int(said.get(NEWEST_START_KEY, -1)) < start
        if not is_news and aliases <= set(artifact.aliases):
            return

        def action(_: wandb.Api) -> None:
            if is_news:
                by_others = {} if said else {OTHERS_KEY: True}
                ours = {**said, NEWEST_START_KEY: start, **by_others}
                artifact.metadata = {**artifact.metadata, "mfwb": ours}
            artifact.aliases = sorted({*artifact.aliases, *aliases})
            artifact.save()

        self._client.call(self._path, action, f"set the aliases of {artifact.name}")

    def _of(self, name: str) -> _Name:
        with self._lock:
            return self._names.setdefault(name, _Name())
