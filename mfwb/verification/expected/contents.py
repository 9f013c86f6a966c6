"""Contents of artifacts: what their pickles hold, and the md5 of the bytes that Metaflow stored."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost
from mfwb.files.tempdirs import make_scratch
from mfwb.redaction import Masker
from mfwb.snapshot import Datastore
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.verification.expected.facts import FlowRunFacts, HeldArtifact
from mfwb.verification.expected.file_endings import START, ending_of
from mfwb.verification.expected.masked import mask_pickled
from mfwb.verification.expected.value_reader import PickledValue, ValueReader

__all__ = ["Contents"]

_MAX_READ = 1_000_000  # bytes of a pickle that is described
_MAX_COMPARED = 64_000_000  # bytes of a pickle whose content is compared with its parents'
_BATCH = 8_000_000  # bytes; two batches are in memory at a time
_MAX_PICKLES = 300  # of a batch

_OpenStore = Callable[[Datastore], FlowStore]


class Contents:
    """What the artifacts of one flow run hold. Small ones are read in bulk, and only once."""

    def __init__(
        self,
        facts: FlowRunFacts,
        values: ValueReader,
        open_store: _OpenStore,
        masker: Masker | None = None,
    ) -> None:
        self._values = values
        self._masker = masker or Masker(enabled=False)
        self._open_store = open_store
        self._datastores: dict[str, Datastore] = {}
        self._sizes: dict[str, int] = {}
        self._described: dict[str, PickledValue] = {}
        self._endings: dict[str, str | None] = {}
        self._md5: dict[str, str] = {}
        self._lost: dict[str, str] = {}
        for task in facts.tasks:
            if task.datastore is not None:
                self._note(task.held.values(), task.datastore)
        if facts.datastore is not None:
            self._note(facts.parameters.values(), facts.datastore)
        self._read(sha for sha, size in self._sizes.items() if size <= _MAX_READ)

    def describe(self, artifact: HeldArtifact) -> PickledValue:
        """Return what an artifact holds; what is too large to be read is not known."""
        if artifact.sha1 in self._described:
            return self._described[artifact.sha1]
        reason = self._lost.get(artifact.sha1, "it is too large to be read here")
        return PickledValue(reason=reason, ending=self._ending(artifact))

    def _ending(self, artifact: HeldArtifact) -> str | None:
        """Return the ending of the file that large bytes, or a large text, are."""
        sha = artifact.sha1
        if artifact.type not in {"bytes", "str"} or sha not in self._datastores:
            return None
        if sha not in self._endings:
            try:
                start = self._open_store(self._datastores[sha]).head(sha, START)
            except ItemLost:
                return None
            self._endings[sha] = ending_of(start)
        return self._endings[sha]

    def show(self, artifact: HeldArtifact) -> PickledValue:
        """Return what an artifact holds as W&B should show it: without secrets."""
        return mask_pickled(artifact.name, self.describe(artifact), self._masker)

    def mask(self, name: str, value: Any) -> Any:
        """Return a JSON value as W&B should show it under a name: without secrets."""
        return self._masker.mask_value(name, value)[0]

    def lost(self, artifact: HeldArtifact) -> str | None:
        """Return why the bytes of an artifact can't be had; None if they can, as far as known."""
        return self._lost.get(artifact.sha1)

    def is_same(self, artifact: HeldArtifact, other: HeldArtifact) -> bool:
        """Return whether two artifacts hold equal values, though perhaps pickled differently."""
        if artifact.sha1 == other.sha1:
            return True
        if artifact.type != other.type or artifact.encoding != other.encoding:
            return False
        if max(artifact.size, other.size) > _MAX_READ:
            self._read(
                sha
                for sha in (artifact.sha1, other.sha1)
                if sha not in self._described and self._sizes.get(sha, 0) <= _MAX_COMPARED
            )
        digest = self.describe(artifact).digest
        return digest is not None and digest == self.describe(other).digest

    def md5(self, artifact: HeldArtifact) -> str | None:
        """Return the md5 of the stored bytes, in base64; None if they can't be had."""
        sha = artifact.sha1
        if sha not in self._md5 and sha not in self._lost and sha in self._datastores:
            folder = make_scratch()
            try:
                store = self._open_store(self._datastores[sha])
                self._md5[sha] = store.copy(sha, artifact.size, Path(folder) / "pickle")
            except ItemLost as error:
                self._lost[sha] = str(error)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return self._md5.get(sha)

    def copy(self, artifact: HeldArtifact, target: Path) -> None:
        """Write the stored bytes of an artifact into a file; ItemLost."""
        if artifact.sha1 not in self._datastores:
            raise ItemLost("Metaflow did not record where its bytes are")
        store = self._open_store(self._datastores[artifact.sha1])
        store.copy(artifact.sha1, artifact.size, target)

    def _note(self, artifacts: Iterable[HeldArtifact], datastore: Datastore) -> None:
        for artifact in artifacts:
            self._datastores[artifact.sha1] = datastore
            self._sizes[artifact.sha1] = artifact.size

    def _read(self, shas: Iterable[str]) -> None:
        by_datastore: dict[Datastore, list[str]] = defaultdict(list)
        for sha in shas:
            by_datastore[self._datastores[sha]].append(sha)
        with ThreadPoolExecutor(1, thread_name_prefix="mfwb-verify-values") as pool:
            described: Future[dict[str, PickledValue]] | None = None
            for pickled in self._pickles(by_datastore):  # while the batch before is described
                if described is not None:
                    self._described |= described.result()
                described = pool.submit(self._values.read, pickled)
            if described is not None:
                self._described |= described.result()

    def _pickles(
        self, by_datastore: Mapping[Datastore, Sequence[str]]
    ) -> Iterator[dict[str, bytes]]:
        """Yield the stored bytes of artifacts by sha1, a batch at a time."""
        for datastore, group in by_datastore.items():
            store = self._open_store(datastore)
            for batch in self._batches(group):
                pickled = {}
                for sha, data in store.read(batch, self._sizes):
                    if isinstance(data, ItemLost):
                        self._lost[sha] = str(data)
                        continue
                    pickled[sha] = data
                    digest = hashlib.md5(data, usedforsecurity=False).digest()
                    self._md5[sha] = base64.b64encode(digest).decode()
                yield pickled

    def _batches(self, shas: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for sha in shas:
            if batch and (size + self._sizes[sha] > _BATCH or len(batch) == _MAX_PICKLES):
                yield batch
                batch, size = [], 0
            batch.append(sha)
            size += self._sizes[sha]
        if batch:
            yield batch
