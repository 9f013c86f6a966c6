"""Metaflow's datastore, read directly: the one module that touches what Metaflow keeps private.

Seen in Metaflow 2.19.39. The client can give an artifact's type or its raw bytes only by
unpickling it; the datastore beneath knows both. Touched are `FlowDataStore(...)._storage_impl`,
`DATASTORES`, the paths `<flow>/<run>/<step>/<task>/<attempt>.data.json` and
`<flow>/data/<sha[:2]>/<sha>`, and the blobs' side metadata `cas_raw`. The contract test is
tests/integration/source/test_metaflow_contract.py.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from metaflow.datastore import FlowDataStore
from metaflow.exception import MetaflowException
from metaflow.plugins import DATASTORES

from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Datastore

__all__ = ["AttemptKey", "FlowStore", "open_store"]

_CHUNK = 1 << 20
_DAMAGE = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """Names one attempt of one task."""

    run: str
    step: str
    task: str
    attempt: int


@lru_cache(maxsize=64)
def open_store(datastore: Datastore, flow: str) -> FlowStore:
    """Return the store of a flow; SourceError if this Metaflow can't read that kind."""
    kinds = {kind.TYPE: kind for kind in DATASTORES}
    if datastore.type not in kinds:
        raise SourceError(f"this Metaflow has no datastore of type {datastore.type!r}")
    store = FlowDataStore(
        flow, environment=None, storage_impl=kinds[datastore.type], ds_root=datastore.root
    )
    return FlowStore(store, flow)


class FlowStore:
    """Task facts and artifact bytes of one flow. Safe to use from several threads."""

    def __init__(self, store: Any, flow: str) -> None:
        self._storage = store._storage_impl  # noqa: SLF001 - see the module docstring
        self._flow = flow

    def task_facts(self, keys: Sequence[AttemptKey]) -> dict[AttemptKey, dict[str, Any]]:
        """Return what each attempt wrote about its artifacts: `objects` and `info` by name.

        All are read in one go. An attempt that never got to write it is missing.
        """
        paths = {self._facts_path(key): key for key in keys}
        facts = {}
        with _answering(), self._storage.load_bytes(list(paths)) as loaded:
            for path, local, _ in loaded:
                if local is not None:
                    facts[paths[path]] = json.loads(Path(local).read_bytes())
        return facts

    def read(self, shas: Sequence[str]) -> Iterator[tuple[str, bytes | ItemLost]]:
        """Yield (sha1, bytes) of small blobs, checked; ItemLost in place of a bad one."""
        paths = {self._blob_path(sha): sha for sha in shas}
        with _answering(), self._storage.load_bytes(list(paths)) as loaded:
            for path, local, meta in loaded:
                yield paths[path], _checked_bytes(paths[path], local, meta)

    def copy(self, sha: str, target: Path) -> None:
        """Stream one blob into a file, checked; ItemLost, and no file, if it is bad."""
        with _answering(), self._storage.load_bytes([self._blob_path(sha)]) as loaded:
            _, local, meta = next(iter(loaded))
            _stream(sha, local, meta, target)

    def _facts_path(self, key: AttemptKey) -> str:
        name = f"{key.attempt}.data.json"
        path: str = self._storage.path_join(self._flow, key.run, key.step, key.task, name)
        return path

    def _blob_path(self, sha: str) -> str:
        path: str = self._storage.path_join(self._flow, "data", sha[:2], sha)
        return path


@contextmanager
def _answering() -> Iterator[None]:
    """Tell a datastore that does not answer from one that answers "not there".

    The latter is a missing path in the answer; any error of the storage (an outage, expired
    credentials) ends the flow run, and the next sync tries again.
    """
    try:
        yield
    except MetaflowException as error:
        raise SourceError(f"Metaflow's datastore can't be read: {error}") from error


def _is_gzipped(meta: dict[str, Any] | None) -> bool:
    return not (meta and meta.get("cas_raw"))  # old blobs have no metadata and are gzipped


def _checked_bytes(sha: str, local: str | None, meta: dict[str, Any] | None) -> bytes | ItemLost:
    if local is None:
        return ItemLost("its bytes are gone from Metaflow's datastore")
    try:
        stored = Path(local).read_bytes()
        data = gzip.decompress(stored) if _is_gzipped(meta) else stored
    except _DAMAGE as error:
        return ItemLost(f"its bytes in Metaflow's datastore are damaged: {error}")
    if hashlib.sha1(data, usedforsecurity=False).hexdigest() != sha:
        return ItemLost("its bytes in Metaflow's datastore don't have the recorded sha1")
    return data


def _stream(sha: str, local: str | None, meta: dict[str, Any] | None, target: Path) -> None:
    if local is None:
        raise ItemLost("its bytes are gone from Metaflow's datastore")
    digest = hashlib.sha1(usedforsecurity=False)
    try:
        opener = gzip.open if _is_gzipped(meta) else open
        with opener(local, "rb") as stored, target.open("wb") as out:
            while chunk := stored.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
    except _DAMAGE as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault (it is full, say), not the blob's
        raise ItemLost(f"its bytes in Metaflow's datastore are damaged: {error}") from None
    if digest.hexdigest() != sha:
        target.unlink()
        raise ItemLost("its bytes in Metaflow's datastore don't have the recorded sha1")
