"""Who has the alias `latest`: the newest flow run's version, in whatever order they are synced."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import wandb

from mfwb.sink.service import Service

__all__ = ["LATEST", "NEWEST", "Newest"]

LATEST = "latest"
NEWEST = "newest_flow_run_started_at"
"""The key in an artifact's metadata, below `mfwb`, that says which flow run logged it last."""

_NONE = "not found in"  # W&B's clear word


@dataclass(slots=True)
class _Name:
    """What is known of the artifacts of one name."""

    announced: int = -1  # start of the newest flow run that will log one, in epoch ms
    there: int | None = None  # of the one that has `latest` in W&B; None: not asked yet
    arrived: wandb.Artifact | None = None  # the newest one that this call logged
    arrived_start: int = -1
    lock: threading.Lock = field(default_factory=threading.Lock)


class Newest:
    """Decides about `latest` in one project, for all flow runs of a call."""

    def __init__(self, service: Service, entity: str, project: str) -> None:
        self._service = service
        self._path = f"{entity}/{project}"
        self._names: dict[str, _Name] = {}
        self._lock = threading.Lock()

    def announce(self, names: Iterable[str], start: int) -> None:
        """Hear that a flow run that started then will log artifacts of these names."""
        for name in names:
            of = self._of(name)
            with of.lock:
                of.announced = max(of.announced, start)

    def is_newest(self, name: str, start: int) -> bool:
        """Return whether the artifact of a flow run that started then gets `latest`; SinkError."""
        of = self._of(name)
        with of.lock:
            if of.there is None:
                of.there = self._ask(name)
            return start >= max(of.announced, of.there)

    def arrived(
        self, name: str, start: int, artifact: wandb.Artifact, aliases: Iterable[str]
    ) -> None:
        """Put aliases where they belong, now that a version is there; SinkError.

        A version that W&B had already says by its metadata that a newer flow run logged it.
        If a newer flow run's came in while this one's was on its way, `latest` is given back.
        """
        of = self._of(name)
        with of.lock:
            if LATEST in aliases and start < max(of.arrived_start, of.there or -1):
                if of.arrived is not None:
                    self._give_back(of.arrived, of.arrived_start)
                aliases = set(aliases) - {LATEST}
            elif LATEST in aliases:
                of.arrived, of.arrived_start = artifact, start
            self._settle(artifact, set(aliases), start)

    def _give_back(self, artifact: wandb.Artifact, start: int) -> None:
        """Point `latest` at a version again; the object at hand has not heard that it lost it."""
        again = self._service.ask(
            self._path,
            lambda api: api.artifact(f"{self._path}/{artifact.name}"),
            f"read {artifact.name}",
        )
        self._settle(again, {LATEST}, start)

    def _settle(self, artifact: wandb.Artifact, aliases: set[str], start: int) -> None:
        said = dict(artifact.metadata.get("mfwb") or {})
        is_news = LATEST in aliases and int(said.get(NEWEST, -1)) < start
        if not is_news and aliases <= set(artifact.aliases):
            return

        def deed(_: wandb.Api) -> None:
            if is_news:
                artifact.metadata = {**artifact.metadata, "mfwb": {**said, NEWEST: start}}
            artifact.aliases = sorted({*artifact.aliases, *aliases})
            artifact.save()

        self._service.ask(self._path, deed, f"set the aliases of {artifact.name}")

    def _ask(self, name: str) -> int:
        """Return when the flow run started whose version has `latest`; -1 if none has."""

        def question(api: wandb.Api) -> int:
            try:
                artifact = api.artifact(f"{self._path}/{name}:{LATEST}")
            except wandb.errors.CommError as error:
                if _NONE in str(error):
                    return -1
                raise
            return int((artifact.metadata.get("mfwb") or {}).get(NEWEST, -1))

        return self._service.ask(self._path, question, f"read the latest {name}")

    def _of(self, name: str) -> _Name:
        with self._lock:
            return self._names.setdefault(name, _Name())
