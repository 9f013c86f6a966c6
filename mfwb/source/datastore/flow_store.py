"""Metaflow's datastore, read directly: the one module that touches what Metaflow keeps private.

Seen in Metaflow 2.19.39. The client can give an artifact's type or its raw bytes only by
unpickling it; the datastore beneath knows both. Touched are `FlowDataStore(...)._storage_impl`,
`DATASTORES`, the paths `<flow>/<run>/<step>/<task>/<attempt>.data.json`, `<attempt>.runtime`
beside it and `<flow>/data/<sha[:2]>/<sha>`, the blobs' side metadata `cas_raw` (beside a local
file in `<file>_meta`, in S3 as the object's metadata `metaflow-user-attributes`), and the clients
that Metaflow set up for its clouds: `S3Storage.s3_client.client` of boto3, and
`root_client.get_blob_client` of Google and Azure; and `CardDatastore.get_storage_root`. The
contract tests are in tests/integration/source.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from metaflow.datastore import FlowDataStore
from metaflow.exception import MetaflowException
from metaflow.plugins import DATASTORES

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import Located
from mfwb.snapshot import Datastore
from mfwb.snapshot.identifiers import is_sha1
from mfwb.source.datastore import cloud
from mfwb.source.datastore.blobs import GONE, Blob, Blobs
from mfwb.source.datastore.checksums import Digests
from mfwb.source.datastore.decompress import decompress
from mfwb.source.datastore.local import LocalBlobs
from mfwb.source.json_records import AttemptRecord, ExitRecord, parse_json, read_at_most
from mfwb.source.process_exits import ProcessExit
from mfwb.source.typed_values import DamagedError

__all__ = ["AttemptKey", "FlowStore", "local_card_root", "open_store"]

_UNKNOWN_SIZE = 32_000_000
"""Bytes; the most that is read into memory where nothing says how much there is."""

_SLACK = 1_000_000
"""Bytes; how much more there may be than is recorded, before it counts as another content."""

_SLACK_IN_MEMORY = 1_000
"""Bytes; the same for what is read into memory, which may not be more than twice as much either:
many are read together, as many as their recorded sizes allow."""

_ENDING_LIMIT = 64_000  # bytes; Metaflow writes sixty

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """Names one attempt of one task."""

    run: str
    step: str
    task: str
    attempt: int


@lru_cache(maxsize=64)
def open_store(datastore: Datastore, flow: str, linked_folders: tuple[Path, ...] = ()) -> FlowStore:
    """Return the store of a flow; SourceError if this Metaflow can't read that kind.

    Args:
        datastore: whose root is one of the user's.
        flow: its name.
        linked_folders: folders that links in a local one may lead to.
    """
    kinds = {kind.TYPE: kind for kind in DATASTORES}
    if datastore.type not in kinds:
        raise SourceError(f"this Metaflow has no datastore of type {datastore.type!r}")
    try:
        store = FlowDataStore(
            flow, environment=None, storage_impl=kinds[datastore.type], ds_root=datastore.root
        )
    except MetaflowException as error:  # the cloud's own package is not installed
        reason = str(error) or error.headline
        raise SourceError(f"Metaflow's datastore can't be opened: {reason}") from error
    storage = store._storage_impl  # noqa: SLF001 - see the module docstring
    return FlowStore(_open_blobs(storage, linked_folders), flow)


def local_card_root() -> str | None:
    """Return the folder that Metaflow would look for cards in, here; it need not be there.

    None if it is a link, which others may have made, and would lead to cards of anybody.
    """
    from metaflow.plugins.cards.card_datastore import CardDatastore  # noqa: PLC0415 - rarely needed

    try:
        found = CardDatastore.get_storage_root("local")
    except OSError:  # the current folder was removed
        return None
    return None if found is None or Path(found).is_symlink() else str(found)


def _open_blobs(storage: Any, linked_folders: tuple[Path, ...]) -> Blobs:
    if storage.TYPE == "local":
        return LocalBlobs(storage.datastore_root, linked_folders)
    if storage.TYPE == "s3":
        from mfwb.source.datastore.s3 import S3Blobs  # noqa: PLC0415 - it brings botocore

        return S3Blobs(lambda: storage.s3_client.client, storage.datastore_root)

    def get_client(path: str) -> Any:
        return storage.root_client.get_blob_client(path)

    if storage.TYPE == "gs":
        failures = cloud.google_errors()
        return cloud.DownloadedBlobs(storage, get_client, cloud.locate_in_google, failures)
    if storage.TYPE == "azure":
        failures = cloud.azure_errors()
        return cloud.DownloadedBlobs(storage, get_client, cloud.locate_in_azure, failures)
    return cloud.DownloadedBlobs(storage, get_client, lambda _: None, ())


class FlowStore:
    """Task facts and artifact bytes of one flow. Safe to use from several threads."""

    def __init__(self, blobs: Blobs, flow: str) -> None:
        self._blobs = blobs
        self._flow = flow

    def read_attempt_records(self, keys: Sequence[AttemptKey]) -> dict[AttemptKey, AttemptRecord]:
        """Return what each attempt wrote about its artifacts; SourceError if one is damaged.

        An attempt that never got to write it is missing.
        """
        found = dict(self._read_each(self._read_attempt_record, keys))
        return {key: record for key, record in found.items() if record is not None}

    def read_exits(self, keys: Sequence[AttemptKey]) -> dict[AttemptKey, ProcessExit]:
        """Return how Metaflow's scheduler saw the processes of attempts end.

        It writes that down whatever became of the attempt itself. Those of which it did not are
        missing.
        """
        found = dict(self._read_each(self._read_exit, keys))
        return {key: exit_record for key, exit_record in found.items() if exit_record is not None}

    def read(
        self,
        shas: Sequence[str],
        sizes: Mapping[str, int] | None = None,
        *,
        most: int | None = None,
    ) -> Iterator[tuple[str, bytes | ItemLost]]:
        """Yield (sha1, bytes) of small blobs, checked; ItemLost in place of a bad one.

        Args:
            shas: of the blobs.
            sizes: in bytes, as recorded, by sha1; of others, no more than 32 MB are read, of these
                twice as many and 1 kB.
            most: bytes of each, whatever is recorded.
        """
        known = sizes or {}
        yield from self._read_each(lambda sha: self._read_bytes(sha, known.get(sha, 0), most), shas)

    def head(self, sha: str, size: int) -> bytes:
        """Return the first bytes of a blob, so many at most; ItemLost if it is bad so early on.

        The sha1 is that of all bytes, so that these are not checked.
        """
        data = bytearray()
        with closing(self._chunks(sha, None)) as chunks:
            while len(data) < size and (chunk := next(chunks, b"")):
                data += chunk
        return bytes(data[:size])

    def copy(self, sha: str, size: int, target: Path) -> str:
        """Stream one blob into a file, checked, and return the md5 of its bytes, in base64.

        ItemLost, and no file, if it is bad.

        Args:
            sha: of the blob.
            size: in bytes, as recorded; 0 if nothing is.
            target: is written.
        """
        most = size + _SLACK if size else None
        digests = Digests(size)
        try:
            with target.open("wb") as out, closing(self._chunks(sha, most, digests)) as chunks:
                for chunk in chunks:
                    out.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            digests.finish()
        return digests.md5

    def open(self, path: str) -> AbstractContextManager[Blob | None]:
        """Yield what lies at a path below the root of the datastore, or None if nothing does.

        SourceError if the datastore does not answer, ItemLost if this one can't be read.
        """
        return self._blobs.open(path)

    def locate(self, sha: str) -> Located | None:
        """Return where others find a blob, or None if they can't; ItemLost if it is gone."""
        return self._blobs.locate(self._blob_path(sha))

    def _read_attempt_record(self, key: AttemptKey) -> AttemptRecord | None:
        path = self._path(key.run, key.step, key.task, f"{key.attempt}.data.json")
        try:
            with self._blobs.open(path) as blob:
                if blob is None:
                    return None
                return parse_json(AttemptRecord, read_at_most(blob.stream))
        except (DamagedError, ItemLost) as error:
            raise SourceError(f"{path} in Metaflow's datastore is damaged: {error}") from None

    def _read_exit(self, key: AttemptKey) -> ProcessExit | None:
        path = self._path(key.run, key.step, key.task, f"{key.attempt}.runtime")
        try:
            with self._blobs.open(path) as blob:
                if blob is None:
                    return None
                exit_record = parse_json(ExitRecord, read_at_most(blob.stream, _ENDING_LIMIT))
                if exit_record.return_code is None:
                    return None
                return ProcessExit(
                    blob.written_at, exit_record.return_code, killed=bool(exit_record.killed)
                )
        except (DamagedError, ItemLost):  # the runtime may be writing it
            return None

    def _read_bytes(self, sha: str, size: int, most: int | None) -> bytes | ItemLost:
        limit = size + min(_SLACK, size + _SLACK_IN_MEMORY) if size else _UNKNOWN_SIZE
        try:
            return b"".join(self._chunks(sha, limit if most is None else min(limit, most)))
        except ItemLost as lost:
            return lost

    def _chunks(
        self, sha: str, most: int | None, digests: Digests | None = None
    ) -> Generator[bytes]:
        with self._blobs.open(self._blob_path(sha)) as blob:
            if blob is None:
                raise ItemLost(GONE)
            yield from decompress(blob, sha, most, digests or Digests(0))

    def _read_each(self, read: Callable[[_A], _B], keys: Sequence[_A]) -> Iterator[tuple[_A, _B]]:
        """Yield what is read of each; several at a time where answers are waited for."""
        if self._blobs.readers == 1 or len(keys) == 1:
            yield from ((key, read(key)) for key in keys)
            return
        with ThreadPoolExecutor(self._blobs.readers) as pool:
            try:
                yield from zip(keys, pool.map(read, keys), strict=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _blob_path(self, sha: str) -> str:
        if not is_sha1(sha):  # else it could be any path
            raise ItemLost("its recorded sha1 is none")
        return self._path("data", sha[:2], sha)

    def _path(self, *parts: str) -> str:
        return "/".join((self._flow, *parts))
