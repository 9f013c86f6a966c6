"""What the datastore has of a flow run's tasks: what they wrote of their artifacts, in batches."""

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
from mfwb.source.process_exits import Ended
from mfwb.source.task_metadata import RawTask

__all__ = ["Stored"]

_INTERNAL_LIMIT = 16_000_000
"""Bytes of one artifact of Metaflow's own; few have more than a thousand."""

_TOGETHER = 64_000_000
_TOGETHER_EACH = 20_000
"""Bytes of all of them in a flow run, and for each task: what is in memory at a time."""


class Stored:
    """Artifact records by task, and the values of Metaflow's internal artifacts.

    Args:
        flow: whose tasks they are.
        also: folders that links in a local datastore may lead to.
    """

    def __init__(self, flow: str, also: tuple[Path, ...] = ()) -> None:
        self._flow = flow
        self._also = also
        self._records: dict[AttemptKey, AttemptRecord] = {}
        self._blobs: dict[str, bytes] = {}
        self._size = 0
        self._endings: dict[AttemptKey, Ended] = {}
        self._dead: set[AttemptKey] = set()

    def read(self, raws: Sequence[RawTask]) -> None:
        """Read all of them, batch by datastore; SourceError."""
        by_datastore: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        not_well: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        for raw in raws:
            if raw.datastore is not None:
                by_datastore[raw.datastore] += raw.attempts_done()
                not_well[raw.datastore] += raw.attempts_not_well()
        # A task that went well is followed by others, unless its process failed after that: it
        # tells Metaflow how it went before it tells which artifacts it has.
        last = max(raws, key=lambda raw: raw.seen_at, default=None)
        if last is not None and last.datastore is not None and not last.attempts_not_well():
            not_well[last.datastore] += last.latest_attempt()
        for datastore, keys in by_datastore.items():
            store = open_store(datastore, self._flow, self._also)
            records = store.task_facts(keys)
            self._records.update(records)
            shas = {sha for one in records.values() for sha in _telling_shas(one)}
            self._read_internals(store, shas, len(raws))
        for datastore, keys in not_well.items():
            self._endings |= open_store(datastore, self._flow, self._also).endings(keys)
        for raw in raws:
            self._assert_moved_along(raw)

    def record(self, raw: RawTask) -> AttemptRecord:
        """Return what the latest attempt that stored artifacts wrote about them."""
        known = [key for key in raw.attempts_done() if key in self._records]
        return self._records[known[-1]] if known else AttemptRecord()

    def ending(self, raw: RawTask) -> Ended | None:
        """Return how the process of the latest attempt ended, if that did not go well.

        Of one that went well it is known where nothing has been heard of any other task since.
        """
        return next((self._endings.get(key) for key in raw.latest_attempt()), None)

    def note_death(self, raw: RawTask) -> None:
        """Hear that the latest attempt died without a word: it has none yet, long after its end."""
        self._dead.update(raw.latest_attempt())

    def died_at(self, raw: RawTask) -> int | None:
        """Return when the latest attempt died without a word, in epoch ms, if that is known."""
        ended = self.ending(raw)
        is_dead = self._dead.issuperset(raw.latest_attempt())
        return ended.at if ended is not None and is_dead else None

    def internal(self, raw: RawTask, name: str, attempt: int | None = None) -> Any:
        """Return the value of an internal artifact, or None."""
        sha = self._of_attempt(raw, attempt).objects.get(name)
        return internal_artifacts.decode(self._blobs.get(sha)) if sha else None

    def _of_attempt(self, raw: RawTask, attempt: int | None) -> AttemptRecord:
        if attempt is None:
            return self.record(raw)
        _, run, step, task = raw.path
        return self._records.get(AttemptKey(run, step, task, attempt), AttemptRecord())

    def size(self, raw: RawTask, name: str, attempt: int | None = None) -> int | None:
        """Return the bytes of an internal artifact; None: there is none, or it is not recorded."""
        record = self._of_attempt(raw, attempt)
        return record.of(name).size if name in record.objects else None

    def took_no_next(self, raw: RawTask) -> bool:
        """Whether a task is known to have taken no `self.next`."""
        sha = self.record(raw).objects.get("_transition")
        return sha is not None and internal_artifacts.is_none(self._blobs.get(sha))

    def decoded(self, sha: str) -> Any:
        """Return the value of an internal artifact of that content, or None."""
        return internal_artifacts.decode(self._blobs.get(sha))

    def _read_internals(self, store: FlowStore, shas: set[str], tasks: int) -> None:
        for sha, data in store.read(sorted(shas), most=_INTERNAL_LIMIT):
            if isinstance(data, ItemLost):
                continue
            self._size += len(data) if sha not in self._blobs else 0
            if self._size > _TOGETHER + _TOGETHER_EACH * tasks:
                raise SourceError(
                    f"the artifacts that Metaflow keeps for itself in {self._flow} take more than "
                    f"{_TOGETHER:,} bytes"
                )
            self._blobs[sha] = data

    def _assert_moved_along(self, raw: RawTask) -> None:
        """Raise SourceError if artifacts were looked for elsewhere than recorded, in vain."""
        done = raw.attempts_done()
        if raw.datastore == raw.recorded or not done or done[-1] in self._records:
            return
        if raw.datastore is not None and raw.recorded is not None:
            raise SourceError(
                f"{raw.pathspec} has its artifacts in {raw.recorded.root}, and they are not in "
                f"{raw.datastore.root}: name it with --datastore-root {raw.recorded.root} if it is "
                "one of your datastores"
            )


def _telling_shas(record: AttemptRecord) -> Iterable[str]:
    for name in (*internal_artifacts.TELLING_NAMES, "_graph_info"):
        if name in record.objects:
            yield record.objects[name]
    for name, about in record.info.items():
        if "IncludedFile" in (about.type or "") and name in record.objects:
            yield record.objects[name]
