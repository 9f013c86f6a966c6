"""Metadata of a flow run and its tasks, read from the provider by Metaflow's client, checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from mfwb.errors import NotFound, SourceError
from mfwb.snapshot import Attempt, Datastore
from mfwb.snapshot.identifiers import is_path_part
from mfwb.snapshot.pathspec import PARAMETERS, parameters_of
from mfwb.source.attempts import Record, completed_attempts, to_attempts
from mfwb.source.client_errors import client_errors
from mfwb.source.datastore.flow_store import AttemptKey
from mfwb.source.datastore.roots import DatastoreRoots
from mfwb.source.json_records import Location, RunRecord, TaskRecord, validate
from mfwb.source.run_metadata import RunMetadata
from mfwb.source.start_time import started_at
from mfwb.source.typed_values import MAX_EPOCH_MS, DamagedError, as_integer, text

__all__ = ["RawRun", "RawTask", "read_raw_run", "read_task", "still_has_no_outcome"]

_COMMON_ARTIFACT = "_task_ok"  # each attempt that stored artifacts has this one
_THREADS = 4  # for a service, because of the waiting time for its answers
_ROOT = ":root:"
_T = TypeVar("_T")


@dataclass(frozen=True)  # without slots: what is asked for often is cached on the instance
class RawTask:
    """Metadata of one task, as the provider has it.

    Attributes:
        task: the `metaflow.Task`.
        record: the provider's record of the task.
        records: the metadata that the task registered.
        recorded_datastore: the datastore of its artifacts that its metadata names.
        datastore: the datastore from which its artifacts are read.
        deleted_origin: the flow run from which the task was cloned, if the origin was deleted.
    """

    task: Any
    record: TaskRecord
    records: tuple[Record, ...]
    recorded_datastore: Datastore | None
    datastore: Datastore | None
    deleted_origin: str | None = None

    @cached_property
    def path(self) -> tuple[str, str, str, str]:
        """Flow, run, step and task."""
        flow, run, step, task = self.task.path_components
        return flow, run, step, task

    @cached_property
    def pathspec(self) -> str:
        """Metaflow's pathspec of the task."""
        return "/".join(self.path)

    def value(self, name: str) -> str | None:
        """Return the newest metadata value of that name."""
        return _newest(self.records, name)

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts, oldest first; DamagedError if one has no valid number."""
        return to_attempts(self.records)

    @cached_property
    def stored_attempts(self) -> tuple[AttemptKey, ...]:
        """The attempts that stored artifacts, oldest first."""
        return tuple(map(self._key, completed_attempts(self.records)))

    def unsuccessful_attempts(self) -> list[AttemptKey]:
        """Return the latest attempt if it failed or recorded no outcome."""
        is_ok = any(attempt.ok for attempt in self.attempts[-1:])
        return [] if is_ok else self.latest_attempt()

    def latest_attempt(self) -> list[AttemptKey]:
        """Return the latest attempt, if there is any."""
        return [self._key(attempt.number) for attempt in self.attempts[-1:]]

    def _key(self, attempt: int) -> AttemptKey:
        _, run, step, task = self.path
        return AttemptKey(run, step, task, attempt)

    @property
    def has_no_outcome(self) -> bool:
        """Whether the latest attempt recorded no outcome: it is running, or it was killed."""
        return any(attempt.ok is None for attempt in self.attempts[-1:])

    @property
    def seen_at(self) -> int:
        """When the task was last active, in epoch ms."""
        heartbeat = (self.record.last_heartbeat_ts or 0) * 1000
        times = (record.created_at for record in self.records)
        return max(self.record.ts_epoch, heartbeat, *times)


@dataclass(frozen=True, slots=True)
class RawRun:
    """Metadata of a flow run, as the provider has it.

    Attributes:
        flow: the name of its flow.
        id: its id.
        record: the provider's record of the flow run.
        tasks: its tasks.
        parameters: the hidden task that holds the parameters; None if it never began.
    """

    flow: str
    id: str
    record: RunRecord
    tasks: tuple[RawTask, ...]
    parameters: RawTask | None

    @property
    def all_tasks(self) -> list[RawTask]:
        """All tasks, with the hidden one."""
        return [*self.tasks, *([self.parameters] if self.parameters else [])]

    def started_at(self, provider: str) -> int:
        """Return when the flow run started, in epoch ms, from the provider's records."""
        queued = (task.record.ts_epoch for task in self.all_tasks)
        return started_at(self.id, self.record, provider, queued)


def read_raw_run(run: Any, provider: str, roots: DatastoreRoots) -> RawRun:
    """Return the provider's metadata of a `metaflow.Run`.

    This takes one call per step, and, unless a service has a list for all tasks, one per task.

    Args:
        run: the flow run.
        provider: of its metadata.
        roots: datastores from which artifacts may be read.

    Raises:
        SourceError: the metadata is damaged, or names a datastore that is not the user's.
        NotFound: the flow run was deleted in the meantime.
        Unreachable: the metadata service does not answer.
    """
    flow, run_id = run.path_components
    pathspec = f"{flow}/{run_id}"
    record = _validate(pathspec, RunRecord, run._object)  # noqa: SLF001 - the client hides the rest
    with client_errors(pathspec, provider):
        tasks = [task for step in run for task in step]
    _assert_names(pathspec, tasks)

    admit = _cache_admissions(roots)
    metadata = RunMetadata(run)

    def read(task: Any) -> RawTask:
        return _read_task(task, provider, admit, metadata)

    # Locally there is no waiting time, and threads cost a tenth more.
    if provider.startswith("local@") or all(
        metadata.rows(task.path_components) is not None for task in tasks
    ):
        raws = [read(task) for task in tasks]
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            raws = list(pool.map(read, tasks))
    parameters = _read_parameters(run, provider, admit, metadata)
    return RawRun(flow, run_id, record, tuple(raws), parameters)


_Admit = Callable[[Datastore, str], Datastore]


def read_task(task: Any, provider: str, roots: DatastoreRoots) -> RawTask:
    """Return the provider's metadata of one `metaflow.Task`; arguments, errors as above."""
    return _read_task(task, provider, roots.admit, None)


def _cache_admissions(roots: DatastoreRoots) -> _Admit:
    """Return `roots.admit` with a cache: most tasks have the same datastore."""
    known: dict[Datastore, Datastore] = {}

    def admit(recorded_datastore: Datastore, owner: str) -> Datastore:
        if recorded_datastore not in known:
            known[recorded_datastore] = roots.admit(recorded_datastore, owner)
        return known[recorded_datastore]

    return admit


def _read_task(task: Any, provider: str, admit: _Admit, metadata: RunMetadata | None) -> RawTask:
    """Return the metadata of a `metaflow.Task`: one call to the provider unless it was read."""
    try:
        records, deleted_origin = _records(task, provider, metadata), None
    except NotFound as error:
        records, deleted_origin = _records_without_origin(task, provider, error)
    kind, root = _newest(records, "ds-type"), _newest(records, "ds-root")
    recorded_datastore = None if kind is None or root is None else Datastore(kind, root)
    # Only the metadata of the deleted origin had the datastore.
    if deleted_origin is not None and recorded_datastore is None:
        with client_errors("/".join(task.path_components), provider):
            has_some = _COMMON_ARTIFACT in task
            artifact = task[_COMMON_ARTIFACT] if has_some else None
        recorded_datastore = _location(artifact, "/".join(task.path_components))
    return replace(
        _to_raw_task(task, records, recorded_datastore, admit), deleted_origin=deleted_origin
    )


def _read_parameters(
    run: Any, provider: str, admit: _Admit, metadata: RunMetadata
) -> RawTask | None:
    """Return the hidden task that holds parameters; only its artifacts name its datastore."""
    pathspec = "/".join(run.path_components)
    with client_errors(pathspec, provider):
        task = _parameters_task(run)
        artifact = None if task is None else next(iter(task), None)
    if task is None:
        return None
    _assert_names(pathspec, [task])
    recorded_datastore = _location(artifact, parameters_of(pathspec))
    return _to_raw_task(task, _records(task, provider, metadata), recorded_datastore, admit)


def _parameters_task(run: Any) -> Any:
    try:
        step = run[PARAMETERS]
    except KeyError:  # the client's own, for a step that does not exist
        return None
    return step.task


def _location(artifact: Any, pathspec: str) -> Datastore | None:
    """Return the datastore of a `metaflow.DataArtifact`.

    For some tasks 2.19.39 records type and root nowhere else. Its sha is not used: the sha that
    counts is in the datastore's record, where it is checked.
    """
    if artifact is None:
        return None
    location = _validate(pathspec, Location, artifact._object)  # noqa: SLF001
    return Datastore(location.ds_type, location.location.removeprefix(_ROOT))


def _to_raw_task(
    task: Any, records: tuple[Record, ...], recorded_datastore: Datastore | None, admit: _Admit
) -> RawTask:
    pathspec = "/".join(task.path_components)
    record = _validate(pathspec, TaskRecord, task._object)  # noqa: SLF001 - created_at is naive
    datastore = None if recorded_datastore is None else admit(recorded_datastore, pathspec)
    raw = RawTask(task, record, records, recorded_datastore, datastore)
    try:
        _ = raw.attempts  # their numbers become paths
    except DamagedError as error:
        raise SourceError(f"{pathspec} can't be read: {error}") from None
    return raw


def _records(task: Any, provider: str, metadata: RunMetadata | None = None) -> tuple[Record, ...]:
    path = task.path_components
    pathspec = "/".join(path)
    rows = None if metadata is None else metadata.rows(path)
    if rows is None:
        with client_errors(pathspec, provider):
            rows = [row._asdict() for row in task.metadata]
    return tuple(_to_record(pathspec, row) for row in rows)


def _records_without_origin(
    task: Any, provider: str, error: NotFound
) -> tuple[tuple[Record, ...], str]:
    """Return the metadata of a clone and its origins, and the first flow run that was deleted.

    The client adds the metadata of the origin, and fails if the origin was deleted (2.19.39). If
    the task is not a clone, the given NotFound is raised again.
    """
    flow, run, step, number = task.path_components
    records: tuple[Record, ...] = ()
    visited = set()
    while (run, number) not in visited:  # a clone may be the clone of one
        visited.add((run, number))
        own_records = _own_records(task, (flow, run, step, number), provider)
        if not own_records:
            break
        known = {record.name for record in records}
        records += tuple(record for record in own_records if record.name not in known)
        origin, origin_task = (
            _newest(own_records, "origin-run-id"),
            _newest(own_records, "origin-task-id"),
        )
        if origin is None or origin_task is None:
            raise error
        run, number = origin, origin_task
    if not records:
        raise error
    return records, f"{flow}/{run}"


def _own_records(task: Any, path: tuple[str, str, str, str], provider: str) -> tuple[Record, ...]:
    """Return the metadata that a task registered itself; none if the task does not exist."""
    pathspec = "/".join(path)
    if not all(map(is_path_part, path)):
        raise SourceError(
            f"{'/'.join(task.path_components)} can't be read: its origin is not a task"
        )
    try:
        with client_errors(pathspec, provider):
            metadata = task._metaflow.metadata  # noqa: SLF001 - as in `listing`
            rows = [
                {**row, "name": row["field_name"], "created_at": row["ts_epoch"]}
                for row in metadata.get_object("task", "metadata", None, None, *path) or []
            ]
    except NotFound:
        return ()
    return tuple(_to_record(pathspec, row) for row in rows)


def still_has_no_outcome(raw: RawTask, provider: str) -> bool:
    """Read again whether the latest attempt of a task has recorded no outcome; SourceError."""
    now = replace(raw, records=_records(raw.task, provider))
    return now.has_no_outcome and now.unsuccessful_attempts() == raw.unsuccessful_attempts()


def _to_record(pathspec: str, row: Mapping[str, Any]) -> Record:
    value, kind = row["value"], row["type"]
    try:  # without pydantic: there are thousands of rows
        return Record(
            name=text(row["name"], "the name of its metadata", max_length=1_000),
            value=value if isinstance(value, str) else json.dumps(value, sort_keys=True),
            type="" if kind is None else text(kind, "the type of its metadata", max_length=1_000),
            created_at=as_integer(
                row["created_at"], "the time of its metadata", maximum=MAX_EPOCH_MS
            ),
        )
    except (ValueError, TypeError, RecursionError) as error:  # not JSON, or nested too deep
        raise SourceError(f"{pathspec} can't be read: {error}") from None


def _newest(records: Sequence[Record], name: str) -> str | None:
    matches = [record for record in records if record.name == name]
    return max(matches, key=lambda record: record.created_at).value if matches else None


def _assert_names(pathspec: str, tasks: Sequence[Any]) -> None:
    """Raise SourceError if a name of a step or a task is not a plain path part, or not unique."""
    visited = set()
    for task in tasks:
        _, _, *names = path = task.path_components
        if len(names) != 2 or not all(map(is_path_part, names)):  # noqa: PLR2004 - step and task
            raise SourceError(
                f"{pathspec} has a step or a task with an invalid name: {names!a:.200}"
            )
        if tuple(path) in visited:
            raise SourceError(f"{pathspec} has two tasks {'/'.join(names)}")
        visited.add(tuple(path))


def _validate(owner: str, kind: type[_T], value: Any) -> _T:
    try:
        return validate(kind, value)
    except DamagedError as error:
        raise SourceError(f"{owner} can't be read: {error}") from None
