"""What is in W&B already. A query that fails is an error, never "not there"."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import wandb

from mfwb.errors import SinkError
from mfwb.planning import PlannedRun, WandbRunId
from mfwb.sink.content import MARKER
from mfwb.sink.destinations import one_line
from mfwb.sink.private import FAILURES

__all__ = ["Existing", "ExistingRuns"]

_PER_QUERY = 200
_NO_PROJECT = "Could not find project"
_CLOSED = frozenset({"finished", "failed"})


@dataclass(frozen=True, slots=True)
class Existing:
    """A W&B run that was found under a planned id."""

    source: Any  # as mfwb wrote it; None: mfwb did not
    complete: str | None  # fingerprint of the plan that was carried out whole
    url: str


class ExistingRuns:
    """The W&B runs of one project, as far as a plan names them."""

    def __init__(self, api: wandb.Api, entity: str, project: str) -> None:
        self._api = api
        self._path = f"{entity}/{project}"
        self._found: dict[WandbRunId, Any] = {}
        self._lock = threading.Lock()  # an Api is not meant for several threads

    def look(self, runs: Sequence[PlannedRun]) -> None:
        """Ask for all planned W&B runs, some hundred at a time; SinkError if that fails."""
        for start in range(0, len(runs), _PER_QUERY):
            ids = [run.id for run in runs[start : start + _PER_QUERY]]
            for found in self._ask(ids, self._path):
                self._found[WandbRunId(found.id)] = found

    def get(self, run_id: WandbRunId) -> Existing | None:
        """Return what is there under an id, or None if nothing is."""
        found = self._found.get(run_id)
        if found is None:
            return None
        done = dict(found.summary.get(MARKER) or {})
        return Existing(
            source=_source_of(found),
            complete=done.get("complete") if found.state in _CLOSED else None,
            url=found.url,
        )

    def next_step(self, run_id: WandbRunId) -> int:
        """Return the step below which history is there: one query, for what is written again."""
        found = self._found.get(run_id)
        if found is None:
            return 0
        with self._lock:
            try:
                return int(found.lastHistoryStep) + 1
            except FAILURES as error:
                raise SinkError(f"can't read {run_id}: {one_line(error)}") from None

    def logged(self, run_id: WandbRunId) -> list[wandb.Artifact]:
        """Return the artifact versions that an existing W&B run logged; SinkError."""
        with self._lock:
            try:
                return list(self._found[run_id].logged_artifacts())
            except FAILURES as error:
                raise SinkError(f"can't list artifacts of {run_id}: {one_line(error)}") from None

    def logged_elsewhere(
        self, place: str, run_id: WandbRunId, provider: str
    ) -> list[wandb.Artifact]:
        """Return what a W&B run of another flow run logged; empty if it is not there; SinkError.

        Args:
            place: `entity/project`; without the entity, that of this project.
            run_id: of the W&B run.
            provider: where its flow run was read; what came from elsewhere is another one.
        """
        entity, _, project = place.rpartition("/")
        path = f"{entity or self._path.partition('/')[0]}/{project}"
        with self._lock:
            try:
                return [
                    artifact
                    for found in self._ask([run_id], path)
                    if (_source_of(found) or {}).get("provider") == provider
                    for artifact in found.logged_artifacts()
                ]
            except FAILURES as error:
                reason = one_line(error)
                raise SinkError(f"can't list artifacts of {path}/{run_id}: {reason}") from None

    def _ask(self, ids: Sequence[str], path: str) -> Iterable[Any]:
        try:
            return list(
                self._api.runs(
                    path,
                    filters={"name": {"$in": list(ids)}},
                    per_page=_PER_QUERY,
                    lazy=False,
                )
            )
        except ValueError as error:
            if str(error).startswith(_NO_PROJECT):  # W&B's clear word: the first run makes it
                return []
            raise SinkError(f"can't list runs of {path}: {one_line(error)}") from None
        except FAILURES as error:
            raise SinkError(f"can't list runs of {path}: {one_line(error)}") from None


def _source_of(found: Any) -> Any:
    """Return which flow run a W&B run stands for, as mfwb wrote it; None: mfwb did not."""
    return (found.config.get(MARKER) or {}).get("source")
