"""Direct reading of Metaflow's datastore, with its private interfaces.

Seen in Metaflow 2.19.39. The client returns an artifact's type or its raw bytes only by unpickling
it; the datastore has both without that. Private interfaces used here:
`FlowDataStore(...)._storage_impl`, `DATASTORES`, the paths
`<flow>/<run>/<step>/<task>/<attempt>.data.json`, `<attempt>.runtime` beside it and
`<flow>/data/<sha[:2]>/<sha>`, the blobs' side metadata `cas_raw` (beside a local file in
`<file>_meta`, in S3 as the object's metadata `metaflow-user-attributes`, with `_` in Azure), the
clients that Metaflow sets up for its clouds: `S3Storage.s3_client.client` of boto3, and
`root_client` of Google (`get_bucket_client`) and Azure (`get_blob_container_client`), both with
`get_blob_full_path`; and `CardDatastore.get_storage_root`. The contract tests are in
tests/integration/source and tests/cloud.
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
from metaflow.plugins.azure.azure_exceptions import MetaflowAzurePackageError
from metaflow.plugins.gcp.gs_exceptions import MetaflowGSPackageError

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import BlobLocation
from mfwb.snapshot import Datastore
from mfwb.snapshot.identifiers import is_sha1
from mfwb.source.datastore.blobs import GONE, Blob, Blobs
from mfwb.source.datastore.checksums import Digests, md5_of
from mfwb.source.datastore.cloud import CloudBlobs
from mfwb.source.datastore.decompress import decompress, decompress_small
from mfwb.source.datastore.local import LocalBlobs
from mfwb.source.datastore.recent_blobs import RecentBlobs
from mfwb.source.json_records import AttemptRecord, ExitRecord, parse_json, read_limited
from mfwb.source.process_exits import ProcessExit
from mfwb.source.typed_values import DamagedError

__all__ = ["AttemptKey", "FlowStore", "local_card_root", "open_store"]

_UNKNOWN_SIZE = 32_000_000
"""Bytes; limit of a read into memory if no size is recorded."""

_SLACK = 1_000_000
"""Bytes; a blob may exceed its recorded size by so much before it counts as another content."""

_SLACK_IN_MEMORY = 1_000
"""Bytes; the same for a read into memory, which may not exceed twice the recorded size either:
many blobs are read together, as many as their recorded sizes allow."""

_SMALL = 128_000
"""Bytes; what is stored in fewer is read at once. It decompresses to at most 128 MB."""

_EXIT_LIMIT = 64_000  # bytes; Metaflow writes sixty

_PACKAGES = {
    "azure": "azure-storage-blob azure-identity",
    "gs": "google-cloud-storage google-auth",
}

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
    """Return the store of a flow; SourceError if this Metaflow can't read that type.

    Args:
        datastore: a datastore whose root is one of the user's.
        flow: the name of the flow.
        linked_folders: folders to which links in a local datastore may lead.
    """
    kinds = {kind.TYPE: kind for kind in DATASTORES}
    if datastore.type not in kinds:
        raise SourceError(f"this Metaflow has no datastore of type {datastore.type!r}")
    try:
        store = FlowDataStore(
            flow, environment=None, storage_impl=kinds[datastore.type], ds_root=datastore.root
        )
    except (MetaflowAzurePackageError, MetaflowGSPackageError) as error:
        raise SourceError(
            f"the packages of Metaflow's datastore {datastore.type!r} are not installed here: "
            f"pip install {_PACKAGES[datastore.type]}"
        ) from error
    except MetaflowException as error:
        reason = str(error) or error.headline
        raise SourceError(f"Metaflow's datastore can't be opened: {reason}") from error
    storage = store._storage_impl  # noqa: SLF001 - see the module docstring
    return FlowStore(_open_blobs(storage, linked_folders), flow)


def local_card_root() -> str | None:
    """Return the folder in which Metaflow would look for cards here; it may not exist.

    None if it is a link: others may have made it, and it may lead to any other cards. Metaflow
    before 2.16 says where the link leads.
    """
    from metaflow.plugins.cards.card_datastore import CardDatastore  # noqa: PLC0415 - rarely needed

    try:
        root = CardDatastore.get_storage_root("local")
        here = Path.cwd()
    except OSError:  # the current folder was removed
        return None
    if root is None or Path(root).is_symlink():
        return None
    links = (folder / ".metaflow" / "mf.cards" for folder in (here, *here.parents))
    leads_elsewhere = any(link.is_symlink() and link.resolve() == Path(root) for link in links)
    return None if leads_elsewhere else str(root)


def _open_blobs(storage: Any, linked_folders: tuple[Path, ...]) -> Blobs:
    if storage.TYPE == "local":
        return LocalBlobs(storage.datastore_root, linked_folders)
    if storage.TYPE == "s3":
        from mfwb.source.datastore.s3 import S3Blobs  # noqa: PLC0415 - it brings botocore

        return S3Blobs(lambda: storage.s3_client.client, storage.datastore_root)

    if storage.TYPE == "gs":
        from mfwb.source.datastore.gs import GoogleBucket  # noqa: PLC0415 - with its packages only

        bucket = GoogleBucket(storage.root_client)
        return CloudBlobs(bucket.look_up, bucket.list_names)
    if storage.TYPE == "azure":
        from mfwb.source.datastore.azure import AzureContainer  # noqa: PLC0415 - the same

        container = AzureContainer(storage)
        return CloudBlobs(container.look_up, container.list_names)
    raise SourceError(f"mfwb reads no datastores of type {storage.TYPE!r}")


class FlowStore:
    """Records and artifact bytes of one flow. Safe to use from several threads."""

    def __init__(self, blobs: Blobs, flow: str) -> None:
        self._blobs = blobs
        self._flow = flow

    def read_attempt_records(self, keys: Sequence[AttemptKey]) -> dict[AttemptKey, AttemptRecord]:
        """Return the record of each attempt about its artifacts; SourceError if one is damaged.

        Attempts without a record are missing in the result.
        """
        records = self._read_each(self._read_attempt_record, keys)
        return {key: record for key, record in records if record is not None}

    def read_exits(self, keys: Sequence[AttemptKey]) -> dict[AttemptKey, ProcessExit]:
        """Return how the processes of attempts ended, as Metaflow's scheduler recorded it.

        It records that for any outcome of the attempt. Attempts without a record are missing in
        the result.
        """
        exits = self._read_each(self._read_exit, keys)
        return {key: process_exit for key, process_exit in exits if process_exit is not None}

    def read(
        self,
        shas: Sequence[str],
        sizes: Mapping[str, int] | None = None,
        *,
        max_bytes: int | None = None,
        recent: RecentBlobs | None = None,
    ) -> Iterator[tuple[str, bytes | ItemLost]]:
        """Yield (sha1, bytes) of small blobs, checked; ItemLost instead of the bytes of a bad one.

        Args:
            shas: sha1s of the blobs.
            sizes: recorded sizes in bytes, by sha1. At most twice the size and 1 kB is read of
                these, and at most 32 MB of other blobs.
            max_bytes: largest number of bytes of each blob, whatever its recorded size.
            recent: has some of the blobs, and gets others.
        """
        known_sizes = sizes or {}
        yield from self._read_each(
            lambda sha: self._read_bytes(sha, known_sizes.get(sha, 0), max_bytes, recent), shas
        )

    def head(self, sha: str, size: int) -> bytes:
        """Return the first bytes of a blob, at most `size`; ItemLost if they can't be read.

        They are not checked, since the sha1 is that of all bytes.
        """
        data = bytearray()
        with closing(self._chunks(sha, None)) as chunks:
            while len(data) < size and (chunk := next(chunks, b"")):
                data += chunk
        return bytes(data[:size])

    def copy(self, sha: str, size: int, target: Path, *, recent: RecentBlobs | None = None) -> str:
        """Stream one blob into a file, checked, and return the md5 of its bytes, in base64.

        If the blob is bad, raise ItemLost and leave no file.

        Args:
            sha: sha1 of the blob.
            size: recorded size in bytes; 0 if none is recorded.
            target: the file to write.
            recent: may have the blob, and gets it if it is small.
        """
        max_bytes = size + _SLACK if size else None
        digests = Digests(size)
        try:
            # Of most, no side metadata has to be read, and no stream to be decompressed.
            small = self._read_small(sha, size + _SLACK, recent) if 0 < size <= _SMALL else None
            if small is not None:
                target.write_bytes(small)
                return md5_of(small)
            with target.open("wb") as out, closing(self._chunks(sha, max_bytes, digests)) as chunks:
                for chunk in chunks:
                    out.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            digests.finish()
        return digests.md5

    def open(self, path: str) -> AbstractContextManager[Blob | None]:
        """Yield the blob at a path below the root of the datastore, or None if there is none.

        SourceError if the datastore does not answer, ItemLost if this blob can't be read.
        """
        return self._blobs.open(path)

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all blobs below a folder, relative to it; SourceError."""
        return self._blobs.list(folder)

    def locate_path(self, path: str) -> BlobLocation | None:
        """Return the location of the blob at a path, as `locate` does."""
        return self._blobs.locate(path)

    def locate(self, sha: str) -> BlobLocation | None:
        """Return the location of a blob for other machines, or None; ItemLost if it is gone."""
        return self._blobs.locate(self._blob_path(sha))

    def _read_attempt_record(self, key: AttemptKey) -> AttemptRecord | None:
        path = self._path(key.run, key.step, key.task, f"{key.attempt}.data.json")
        try:
            with self._blobs.open(path) as blob:
                if blob is None:
                    return None
                return parse_json(AttemptRecord, read_limited(blob.stream))
        except (DamagedError, ItemLost) as error:
            raise SourceError(f"{path} in Metaflow's datastore is damaged: {error}") from None

    def _read_exit(self, key: AttemptKey) -> ProcessExit | None:
        path = self._path(key.run, key.step, key.task, f"{key.attempt}.runtime")
        try:
            with self._blobs.open(path) as blob:
                if blob is None:
                    return None
                exit_record = parse_json(ExitRecord, read_limited(blob.stream, _EXIT_LIMIT))
                if exit_record.return_code is None:
                    return None
                return ProcessExit(
                    blob.written_at, exit_record.return_code, killed=bool(exit_record.killed)
                )
        except (DamagedError, ItemLost):  # Metaflow's runtime may be writing it now
            return None

    def _read_bytes(
        self, sha: str, size: int, max_bytes: int | None, recent: RecentBlobs | None
    ) -> bytes | ItemLost:
        limit = size + min(_SLACK, size + _SLACK_IN_MEMORY) if size else _UNKNOWN_SIZE
        limit = limit if max_bytes is None else min(limit, max_bytes)
        try:
            # A second try is a second request, unless the datastore is local.
            may_be_small = size <= _SMALL if size else self._blobs.readers == 1
            small = self._read_small(sha, limit, recent) if may_be_small else None
            return b"".join(self._chunks(sha, limit)) if small is None else small
        except ItemLost as lost:
            return lost

    def _read_small(self, sha: str, max_bytes: int, recent: RecentBlobs | None) -> bytes | None:
        """Return the bytes of a blob that is small and valid, else None; ItemLost."""
        known = recent.get(sha) if recent is not None else None
        if known is not None and len(known) <= max_bytes:
            return known
        try:
            stored = self._blobs.read_start(self._blob_path(sha), _SMALL)
        except OSError:  # as always, `_chunks` says what is wrong
            return None
        if stored is None:
            raise ItemLost(GONE)
        data = decompress_small(stored, sha, max_bytes) if len(stored) < _SMALL else None
        if recent is not None and data is not None:
            recent.add(sha, data)
        return data

    def _chunks(
        self, sha: str, max_bytes: int | None, digests: Digests | None = None
    ) -> Generator[bytes]:
        with self._blobs.open(self._blob_path(sha)) as blob:
            if blob is None:
                raise ItemLost(GONE)
            yield from decompress(blob, sha, max_bytes, digests or Digests(0))

    def _read_each(self, read: Callable[[_A], _B], keys: Sequence[_A]) -> Iterator[tuple[_A, _B]]:
        """Yield each key with its result; read several at a time if the datastore has latency."""
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
        if not is_sha1(sha):  # any other text could be any path
            raise ItemLost("its recorded sha1 is not valid")
        return self._path("data", sha[:2], sha)

    def _path(self, *parts: str) -> str:
        return "/".join((self._flow, *parts))
