"""Existing W&B runs of a project. A query that fails is an error, never "does not exist"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

import wandb

from mfwb.planning import WandbRunId
from mfwb.planning.names import split_project_path
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.batches import MAX_BATCH
from mfwb.sink.client.mutations import Mutation, mutate_idempotent
from mfwb.sink.content.receipt import Receipt, parse_receipt
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.history.read_rows import History, read_histories
from mfwb.sink.server.run_files import RunParts, has_all_files, query_run_parts
from mfwb.sink.server.run_generations import generation_of, id_in_generation

__all__ = ["ExistingRun", "ExistingRuns"]

_IDS_PER_QUERY = 800
_PER_PAGE = 1000
_GENERATIONS = 4  # that one query looks for
_NO_PROJECT = "Could not find project"
_CLOSED_STATES = frozenset({"finished", "failed", "crashed", "killed"})
_STATES_SET_BY_MFWB = frozenset({"finished", "failed"})

_MAX_LETTERS = 1_000_000  # of all summaries in one request

_UPDATE_SUMMARY = Mutation(
    "UpsertBucket",
    "upsertBucket",
    {"id": "String", "summaryMetrics": "JSONString"},
    "input: { id: $id, summaryMetrics: $summaryMetrics }",
    "{ bucket { id } }",
)

T = TypeVar("T")


class Identified(Protocol):
    """Anything with the id of a planned W&B run."""

    @property
    def id(self) -> WandbRunId:
        """The planned id."""
        ...


@dataclass(frozen=True, slots=True)
class ExistingRun:
    """A W&B run that exists under a planned id, or under a later generation of it.

    Attributes:
        id: its id in W&B.
        state: W&B's state of it.
        source: the flow run that it represents, as mfwb wrote it; None if mfwb did not.
        writer: the ledger id of the sync that wrote it; empty if unknown.
        fingerprint: of the plan that it was last written for, from its config.
        uses: ids of the artifact versions that it uses, if it was sent.
        sent: the token of the sync that sent it and has not yet marked it as complete.
        complete: fingerprint of the plan that was written whole.
        receipt: the record of what was written, if it is complete.
        rows: the number of rows in its history.
        sign_of_life: changes as long as a process writes the run.
        is_empty: whether nobody has written anything into it yet.
        handle: the run object of W&B's public Api; unusable after a restart of wandb-core.
        core_restarts: the number of restarts when the handle was made.
    """

    id: WandbRunId
    name: str
    group: str
    job_type: str
    state: str
    source: Any
    writer: str
    fingerprint: str
    sent: str | None
    complete: str | None
    receipt: Receipt | None
    url: str
    rows: int
    sign_of_life: tuple[str, ...]
    is_empty: bool
    handle: Any
    core_restarts: int
    uses: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether a process may be writing it."""
        return self.state not in _CLOSED_STATES


class ExistingRuns:
    """The W&B runs of one project."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self._client = client
        self._entity = entity
        self._project = project
        self.path = f"{entity}/{project}"
        self._runs: dict[WandbRunId, ExistingRun] = {}

    def fetch(self, runs: Iterable[Identified]) -> dict[WandbRunId, ExistingRun]:
        """Fetch planned W&B runs in all their generations, hundreds per request; SinkError.

        Returns:
            The runs that exist, by their planned ids; for each the latest generation.
        """
        planned = [run.id for run in runs]
        open_ids = dict.fromkeys(planned)
        first = 0
        while open_ids:
            ids = {
                id_in_generation(run_id, first + number): run_id
                for run_id in open_ids
                for number in range(_GENERATIONS)
            }
            latest = dict.fromkeys(open_ids)
            for chunk in _chunks(ids, _IDS_PER_QUERY):
                for existing in self._query({"name": {"$in": chunk}}, self.path):
                    run_id = ids[existing.id]
                    latest[run_id] = max(latest[run_id], existing, key=_by_generation)
            for run_id, newest in latest.items():
                if newest is not None or not first:
                    self._runs.pop(run_id, None)
                if newest is not None:
                    self._runs[run_id] = newest
            last = first + _GENERATIONS - 1
            open_ids = {
                run_id: None
                for run_id, newest in latest.items()
                if newest is not None and newest.id == id_in_generation(run_id, last)
            }
            first += _GENERATIONS
        return {run_id: run for run_id in planned if (run := self._runs.get(run_id))}

    def get(self, run_id: WandbRunId) -> ExistingRun | None:
        """Return the fetched W&B run for a planned id, or None if it does not exist."""
        return self._runs.get(run_id)

    def add_known(self, existing: Mapping[WandbRunId, ExistingRun]) -> None:
        """Add W&B runs that were fetched elsewhere, by planned id."""
        self._runs.update(existing)

    def list_groups(self, groups: Sequence[str]) -> Iterator[ExistingRun]:
        """Yield the W&B runs of some groups, hundreds per request; SinkError."""
        return self._query({"group": {"$in": list(groups)}}, self.path)

    def list_by_id(self, ids: Iterable[str]) -> Iterator[ExistingRun]:
        """Yield the W&B runs that have these ids, hundreds per request; SinkError."""
        for chunk in _chunks(ids, _IDS_PER_QUERY):
            yield from self._query({"name": {"$in": chunk}}, self.path)

    def list_synced_runs(self) -> Iterator[ExistingRun]:
        """Yield all W&B runs that mfwb wrote, oldest first; SinkError."""
        existing = self._query({f"config.{MARKER}.value.version": {"$ne": None}}, self.path)
        return (run for run in existing if run.source is not None)

    def read_histories(self, run_ids: Iterable[WandbRunId]) -> dict[WandbRunId, History]:
        """Return the histories of the planned W&B runs that exist; SinkError."""
        ids = {existing.id: run_id for run_id in run_ids if (existing := self._runs.get(run_id))}
        if not ids:
            return {}
        histories = self._client.call(
            self.path,
            lambda api: read_histories(api, self._entity, self._project, list(ids)),
            f"read the history of runs of {self.path}",
        )
        return {ids[WandbRunId(existing)]: history for existing, history in histories.items()}

    def list_files(self, run_id: WandbRunId) -> dict[str, int]:
        """Return the sizes of a W&B run's files by name; SinkError."""
        existing = self._runs[run_id]
        return self.call_with_run(
            existing,
            lambda run: {file.name: int(file.size) for file in run.files(per_page=500)},
            f"list the files of {existing.id}",
        )

    def list_logged_artifacts(self, run_id: WandbRunId) -> list[wandb.Artifact]:
        """Return the artifact versions that an existing W&B run logged; SinkError."""
        return self._logged(self._runs[run_id])

    def list_used_artifacts(self, run_id: WandbRunId) -> list[wandb.Artifact]:
        """Return the artifact versions that an existing W&B run uses; SinkError."""
        existing = self._runs[run_id]
        return self.call_with_run(
            existing, lambda run: list(run.used_artifacts()), f"list what {existing.id} uses"
        )

    def call_with_run(self, existing: ExistingRun, request: Callable[[Any], T], purpose: str) -> T:
        """Return the result of a request about one W&B run, which may change it; SinkError."""

        def send(api: wandb.Api) -> T:
            if existing.core_restarts == self._client.core_restarts:
                return request(existing.handle)
            return request(api.run("/".join(existing.handle.path)))

        return self._client.call(self.path, send, purpose)

    def update_summaries(
        self, updates: Sequence[tuple[ExistingRun, Mapping[str, Any], str]]
    ) -> None:
        """Update the summaries of W&B runs, as they were last fetched, many per request; SinkError.

        Args:
            updates: the W&B run, the keys and values, and the purpose for the error message.
        """
        parts = [
            (_summary_update(existing, values), purpose) for existing, values, purpose in updates
        ]
        for batch in _by_size(parts):
            mutate_idempotent(self._client, self.path, _UPDATE_SUMMARY, batch)

    def call_with_reloaded_run(
        self, existing: ExistingRun, request: Callable[[Any], T], purpose: str
    ) -> T:
        """Return the result of a request about one W&B run after reloading it; SinkError.

        A listing may be minutes old, and it leaves out `_wandb` of config.
        """

        def send(api: wandb.Api) -> T:
            api.flush()  # type: ignore[no-untyped-call] # else it returns the cached run
            return request(api.run("/".join(existing.handle.path)))

        return self._client.call(self.path, send, purpose)

    def list_logged_artifacts_elsewhere(
        self, project_path: str, run_id: WandbRunId, provider: str
    ) -> list[wandb.Artifact]:
        """Return the artifacts that another flow run's W&B run logged; SinkError.

        The list is empty if that W&B run does not exist.

        Args:
            project_path: `entity/project`; without an entity, that of this project is used.
            run_id: the planned id of the W&B run.
            provider: the provider of its flow run; a W&B run from another provider does not count.
        """
        entity, project = split_project_path(project_path)
        ids = [id_in_generation(run_id, number) for number in range(_GENERATIONS)]
        path = f"{entity or self._entity}/{project}"
        existing = max(self._query({"name": {"$in": ids}}, path), key=_by_generation, default=None)
        if existing is None or (existing.source or {}).get("provider") != provider:
            return []
        return self._logged(existing)

    def _logged(self, existing: ExistingRun) -> list[wandb.Artifact]:
        return self.call_with_run(
            existing,
            lambda run: list(run.logged_artifacts()),
            f"list the artifacts of {existing.id}",
        )

    def _query(self, filters: dict[str, Any], path: str) -> Iterator[ExistingRun]:
        def request(api: wandb.Api) -> list[ExistingRun]:
            api.flush()  # type: ignore[no-untyped-call] # else it returns the cached answer
            try:
                core_restarts = self._client.core_restarts
                existing = api.runs(path, filters=filters, per_page=_PER_PAGE, lazy=False)
                return [_parse_run(run, core_restarts) for run in existing]
            except ValueError as error:
                if str(error).startswith(_NO_PROJECT):  # the first run will create the project
                    return []
                raise

        existing = self._client.call(path, request, f"list the runs of {path}")
        return iter(self._check_files(existing, path))

    def _check_files(self, existing: list[ExistingRun], path: str) -> list[ExistingRun]:
        """Return W&B runs without the marks of those that lack files."""
        entity, project = split_project_path(path)
        parts: dict[str, RunParts] = {}
        for chunk in _chunks(filter(_is_marked, existing), _PER_PAGE):
            ids, are_new = [run.id for run in chunk], any(run.sent for run in chunk)
            parts |= self._client.call(
                path,
                partial(query_run_parts, entity=entity, project=project, run_ids=ids, uses=are_new),
                f"list the files of the runs of {path}",
            )
        return [_with_checked_marks(run, parts.get(run.id, RunParts())) for run in existing]


def _parse_run(existing: Any, core_restarts: int) -> ExistingRun:
    marker = existing.config.get(MARKER) or {}
    done = dict(existing.summary.get(MARKER) or {})
    rows = int(existing.historyLineCount or 0)
    return ExistingRun(
        id=WandbRunId(existing.id),
        name=existing.display_name or "",
        group=existing.group or "",
        job_type=existing.job_type or "",
        state=existing.state,
        source=marker.get("source"),
        writer=marker.get("writer", ""),
        fingerprint=marker.get("fingerprint", ""),
        sent=done.get("sent"),
        complete=done.get("complete") if existing.state in _STATES_SET_BY_MFWB else None,
        receipt=parse_receipt(done.get("receipt")),
        url=existing.url,
        rows=rows,
        sign_of_life=(
            str(existing.heartbeat_at),
            str(rows),
            marker.get("writer", ""),
            existing.state,
        ),
        is_empty=not (rows or existing.config or done),
        handle=existing,
        core_restarts=core_restarts,
    )


def _summary_update(existing: ExistingRun, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of an update; W&B replaces the whole summary."""
    summary = {**existing.handle.summary_metrics, **values}
    return {"id": existing.handle.storage_id, "summaryMetrics": json.dumps(summary)}


def _by_size(
    parts: Sequence[tuple[dict[str, str], str]],
) -> Iterator[list[tuple[dict[str, str], str]]]:
    """Yield parts of a mutation in batches that are not too long."""
    batch: list[tuple[dict[str, str], str]] = []
    size = 0
    for part in parts:
        length = len(part[0]["summaryMetrics"])
        if batch and (len(batch) == MAX_BATCH or size + length > _MAX_LETTERS):
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += length
    if batch:
        yield batch


def _is_marked(existing: ExistingRun) -> bool:
    return existing.complete is not None or existing.sent is not None


def _with_checked_marks(existing: ExistingRun, parts: RunParts) -> ExistingRun:
    if not _is_marked(existing):
        return existing
    if has_all_files(existing.handle.summary_metrics, parts.files):
        return replace(existing, uses=parts.uses)
    return replace(existing, complete=None, sent=None)


def _by_generation(existing: ExistingRun | None) -> int:
    return -1 if existing is None else generation_of(existing.id)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
