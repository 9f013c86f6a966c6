"""Artifact records of a flow run's tasks, read from the datastore in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Datastore
from mfwb.source.datastore import internal_artifacts
from mfwb.source.datastore.flow_store import AttemptKey, FlowStore, open_store
from mfwb.source.json_records import AttemptRecord
from mfwb.source.process_exits import ProcessExit
from mfwb.source.task_metadata import RawTask

__all__ = ["ArtifactRecords"]

_INTERNAL_LIMIT = 16_000_000
"""Bytes of one internal artifact of Metaflow; few have more than a thousand."""

_TOTAL_LIMIT = 64_000_000
_TOTAL_LIMIT_PER_TASK = 20_000
"""Limit of the bytes of all of them in a flow run, fixed and per task: all are in memory."""

_DECODED_LIMIT = 10_000  # bytes of an internal artifact whose value is kept

_NO_RECORD = AttemptRecord()


class ArtifactRecords:
    """Artifact records by task, and the values of Metaflow's internal artifacts.

    Args:
        flow: the flow of the tasks.
        linked_folders: folders to which links in a local datastore may lead.
    """

    def __init__(self, flow: str, linked_folders: tuple[Path, ...] = ()) -> None:
        self._flow = flow
        self._linked_folders = linked_folders
        self._records: dict[AttemptKey, AttemptRecord] = {}
        self._blobs: dict[str, bytes] = {}
        self._decoded: dict[str, Any] = {}  # by sha1
        self._size = 0
        self._exits: dict[AttemptKey, ProcessExit] = {}
        self._dead: set[AttemptKey] = set()

    def read(self, raws: Sequence[RawTask]) -> None:
        """Read the records of all tasks, one batch per datastore; SourceError."""
        by_datastore: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        unsuccessful: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        for raw in raws:
            if raw.datastore is not None:
                by_datastore[raw.datastore] += raw.stored_attempts
                unsuccessful[raw.datastore] += raw.unsuccessful_attempts()
        # Other tasks follow a successful one, unless its process failed after that: a task records
        # its outcome before it records its artifacts.
        last_active = max(raws, key=lambda raw: raw.seen_at, default=None)
        if (
            last_active is not None
            and last_active.datastore is not None
            and not last_active.unsuccessful_attempts()
        ):
            unsuccessful[last_active.datastore] += last_active.latest_attempt()
        for datastore, keys in by_datastore.items():
            store = open_store(datastore, self._flow, self._linked_folders)
            records = store.read_attempt_records(keys)
            self._records.update(records)
            shas = {sha for record in records.values() for sha in _shas_to_read(record)}
            self._read_internals(store, shas, len(raws))
        for datastore, keys in unsuccessful.items():
            self._exits |= open_store(datastore, self._flow, self._linked_folders).read_exits(keys)
        for raw in raws:
            self._assert_artifacts_moved(raw)

    def record(self, raw: RawTask) -> AttemptRecord:
        """Return the record of the latest attempt that stored artifacts; else an empty one."""
        known = [key for key in raw.stored_attempts if key in self._records]
        return self._records[known[-1]] if known else _NO_RECORD

    def process_exit(self, raw: RawTask) -> ProcessExit | None:
        """Return how the process of the latest attempt ended, if it was not successful.

        For a successful attempt it is known only if no other task was active after it.
        """
        return next((self._exits.get(key) for key in raw.latest_attempt()), None)

    def mark_dead(self, raw: RawTask) -> None:
        """Note that the latest attempt died: its process ended and it has recorded no outcome."""
        self._dead.update(raw.latest_attempt())

    def died_at(self, raw: RawTask) -> int | None:
        """Return when the latest attempt died without an outcome, in epoch ms; None if unknown."""
        process_exit = self.process_exit(raw)
        is_dead = self._dead.issuperset(raw.latest_attempt())
        return process_exit.at if process_exit is not None and is_dead else None

    def internal(self, raw: RawTask, name: str, attempt: int | None = None) -> Any:
        """Return the value of an internal artifact, or None."""
        sha = self._attempt_record(raw, attempt).objects.get(name)
        return self.decoded(sha) if sha else None

    def _attempt_record(self, raw: RawTask, attempt: int | None) -> AttemptRecord:
        if attempt is None:
            return self.record(raw)
        _, run, step, task = raw.path
        return self._records.get(AttemptKey(run, step, task, attempt), _NO_RECORD)

    def size(self, raw: RawTask, name: str, attempt: int | None = None) -> int | None:
        """Return the size of an internal artifact; None: it does not exist or has no size."""
        record = self._attempt_record(raw, attempt)
        return record.artifact(name).size if name in record.objects else None

    def has_no_next(self, raw: RawTask) -> bool:
        """Whether a task is known to have taken no `self.next`."""
        sha = self.record(raw).objects.get("_transition")
        return sha is not None and internal_artifacts.is_none(self._blobs.get(sha))

    def decoded(self, sha: str) -> Any:
        """Return the value of the internal artifact with that sha1, or None; not to be changed.

        Tasks of a step share most of them, such as the transition and the lack of an exception.
        """
        data = self._blobs.get(sha)
        if data is None or len(data) > _DECODED_LIMIT:
            return internal_artifacts.decode(data)
        if sha not in self._decoded:
            self._decoded[sha] = internal_artifacts.decode(data)
        return self._decoded[sha]

    def _read_internals(self, store: FlowStore, shas: set[str], tasks: int) -> None:
        for sha, data in store.read(sorted(shas), max_bytes=_INTERNAL_LIMIT):
            if isinstance(data, ItemLost):
                continue
            self._size += len(data) if sha not in self._blobs else 0
            if self._size > _TOTAL_LIMIT + _TOTAL_LIMIT_PER_TASK * tasks:
                raise SourceError(
                    f"Metaflow's internal artifacts in {self._flow} take more than "
                    f"{_TOTAL_LIMIT:,} bytes"
                )
            self._blobs[sha] = data

    def _assert_artifacts_moved(self, raw: RawTask) -> None:
        """Raise SourceError if a datastore that replaces the recorded one lacks the artifacts."""
        done = raw.stored_attempts
        if raw.datastore == raw.recorded_datastore or not done or done[-1] in self._records:
            return
        if raw.datastore is not None and raw.recorded_datastore is not None:
            recorded = raw.recorded_datastore.root
            raise SourceError(
                f"{raw.pathspec} has its artifacts in {recorded}, and they are not in "
                f"{raw.datastore.root}: name it with --datastore-root {recorded} if it is "
                "one of your datastores"
            )


def _shas_to_read(record: AttemptRecord) -> Iterable[str]:
    for name in (
        *internal_artifacts.NEEDED_NAMES,
        *internal_artifacts.SAVED_NAMES,
        "_graph_info",
    ):
        if name in record.objects:
            yield record.objects[name]
    for name, details in record.info.items():
        if "IncludedFile" in (details.type or "") and name in record.objects:
            yield record.objects[name]
