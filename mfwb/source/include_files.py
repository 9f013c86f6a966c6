"""Content of an IncludeFile, read without Metaflow's client.

Seen in Metaflow 2.19.39 (`includefile.py`). The artifact is a descriptor: a URL, a size, and
whether Metaflow stored the file itself (`uploader-v1`, `uploader-v2` of sub-type `uploaded`) or
only recorded its location (`external`, which Metaflow no longer makes).

A stored file lies gzipped in `<root>/<flow>/<sha1>`, where the root is the folder `data` of
Metaflow's datastore, or a configured one. The descriptor may come from a stranger, so its URL is
never opened: the sha1 is looked up where Metaflow would have stored it, and the content has to
have that sha1. Files elsewhere are read only if the user allows them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from metaflow import metaflow_config

from mfwb.errors import ItemLost, SourceError
from mfwb.files.allowed_files import AllowedFiles
from mfwb.snapshot import Datastore
from mfwb.snapshot.identifiers import is_sha1
from mfwb.source.datastore.blobs import Blob
from mfwb.source.datastore.checksums import Digests
from mfwb.source.datastore.decompress import GrowthLimit, decompress
from mfwb.source.datastore.flow_store import open_store
from mfwb.source.datastore.internal_artifacts import Included

__all__ = ["check_content", "copy_content"]

_CHUNK = 1 << 20
_GROWTH = GrowthLimit(free=256_000_000, times=200)
"""Text and tables decompress to 3 to 20 times their stored size."""

_CONFIGURED = {
    "local": "DATATOOLS_LOCALROOT",
    "s3": "DATATOOLS_S3ROOT",
    "gs": "DATATOOLS_GSROOT",
    "azure": "DATATOOLS_AZUREROOT",
}
"""Settings of Metaflow on this machine for the root of included files, by type of datastore."""


def copy_content(  # noqa: PLR0913 - each is a fact of its own
    included: Included,
    flow: str,
    datastore: Datastore | None,
    target: Path,
    *,
    linked_folders: tuple[Path, ...],
    allowed: AllowedFiles,
    limit: int | None,
) -> str:
    """Write the content of an IncludeFile into a file, and return its md5 in base64.

    Args:
        included: the descriptor.
        flow: the flow of the flow run.
        datastore: of the flow run.
        target: the file to write.
        linked_folders: folders to which links in a local datastore may lead.
        allowed: files of this machine that may be sent.
        limit: largest allowed number of bytes, besides the recorded size; None: no limit.

    Raises:
        ItemLost: it can't be read, is too large, is damaged, or is in a folder that the user
            does not allow.
        SourceError: a datastore does not answer.
    """
    digests = Digests(included.size or 0)
    sha = _stored_sha1(included)
    candidates = () if sha is None else _candidates(flow, sha, datastore, linked_folders)
    try:
        with _chunks(included, candidates, allowed, digests) as chunks:
            return _write(chunks, target, digests, included.size, limit)
    finally:
        digests.finish()


def check_content(  # noqa: PLR0913 - as of `copy_content`
    included: Included,
    flow: str,
    datastore: Datastore | None,
    *,
    linked_folders: tuple[Path, ...],
    allowed: AllowedFiles,
    limit: int | None,
) -> None:
    """Raise what `copy_content` would raise, as far as the first bytes and the size show it."""
    digests = Digests(0)
    sha = _stored_sha1(included)
    candidates = () if sha is None else _candidates(flow, sha, datastore, linked_folders)
    try:
        with _chunks(included, candidates, allowed, digests) as chunks, closing(chunks):
            next(_check_size(chunks, included.size, limit), None)
        _raise_if_too_large(included.size or 0, limit)
    finally:
        digests.finish()


def _stored_sha1(included: Included) -> str | None:
    """Return the sha1 of a file in Metaflow's datastore; None if Metaflow did not store it."""
    name = PurePosixPath(included.url).name
    return name if included.is_uploaded and is_sha1(name) else None


@contextmanager
def _chunks(
    included: Included, candidates: Iterable[_Candidate], allowed: AllowedFiles, digests: Digests
) -> Iterator[Generator[bytes]]:
    """Yield the content, from the first place that has it."""
    sha = _stored_sha1(included)
    for candidate in candidates:
        with candidate.open(candidate.path) as blob:
            if blob is not None:
                yield decompress(blob, candidate.sha, None, digests, _GROWTH)
                return
        if included.url.partition("://")[2].startswith(candidate.root.rpartition("://")[2]):
            raise ItemLost("the file is gone from Metaflow's datastore")
    with _open_allowed(allowed, _local_file(included.url)) as stream:
        if sha is not None:
            yield decompress(Blob(stream, gzipped=True), sha, None, digests, _GROWTH)
        else:
            yield _plain(stream, digests)


class _Candidate(NamedTuple):
    """A path at which Metaflow may have stored a file."""

    root: str
    open: Callable[[str], AbstractContextManager[Blob | None]]
    path: str
    sha: str


def _candidates(
    flow: str, sha: str, datastore: Datastore | None, linked_folders: tuple[Path, ...]
) -> Iterator[_Candidate]:
    suffix = str(metaflow_config.DATATOOLS_SUFFIX)
    kind = "local"
    if datastore is not None:
        kind = datastore.type
        path = f"{suffix}/{flow}/{sha}"
        store = open_store(_with_container(datastore), flow, linked_folders)
        yield _Candidate(datastore.root, store.open, path, sha)
        if kind == "local":  # beside `.metaflow`, if METAFLOW_DATASTORE_SYSROOT_LOCAL was set
            sibling = Datastore(kind, str(Path(datastore.root).parent / suffix))
            yield from _candidate(sibling, flow, sha, linked_folders)
    configured = getattr(metaflow_config, _CONFIGURED.get(kind, ""), None)
    if configured:
        yield from _candidate(Datastore(kind, str(configured)), flow, sha, linked_folders)


def _candidate(
    datastore: Datastore, flow: str, sha: str, linked_folders: tuple[Path, ...]
) -> Iterator[_Candidate]:
    if datastore.type != "local" or Path(datastore.root).is_dir():
        store = open_store(_with_container(datastore), flow, linked_folders)
        yield _Candidate(datastore.root, store.open, f"{flow}/{sha}", sha)


def _with_container(datastore: Datastore) -> Datastore:
    """Return the datastore of included files, of which Metaflow's root is the one given.

    In Azure, Metaflow 2.19.39 repeats the container's name in the path of an included file.
    """
    if datastore.type != "azure":
        return datastore
    container = PurePosixPath(datastore.root).parts[0]
    return Datastore("azure", f"{container}/{datastore.root}")


def _local_file(url: str) -> Path:
    """Return the path of a URL on this machine; ItemLost if it has none."""
    scheme, colon, rest = url.partition("://")
    if colon and scheme not in {"local", "file"}:
        hint = "" if scheme not in _CONFIGURED else _hint(_CONFIGURED[scheme])
        raise ItemLost(f"it is not in the flow run's own datastore, but at {url}{hint}")
    path = Path(rest if colon else url)
    if not path.is_absolute():
        raise ItemLost(f"a relative path, and Metaflow does not record what it starts from: {url}")
    return path


def _hint(setting: str) -> str:
    return f"; if your flows keep included files there, set METAFLOW_{setting} as they do"


def _open_allowed(allowed: AllowedFiles, file: Path) -> BinaryIO:
    try:
        return allowed.open(file)
    except FileNotFoundError:
        raise ItemLost(f"the file is gone: {file}") from None
    except OSError as error:
        raise ItemLost(f"the file can't be read on this machine: {error}") from None


# --- bytes ----------------------------------------------------------------------------------


def _plain(stream: BinaryIO, digests: Digests) -> Generator[bytes]:
    try:
        while chunk := stream.read(_CHUNK):
            digests.update(chunk)
            yield chunk
    except OSError as error:
        raise SourceError(f"an included file can't be read: {error}") from error


def _write(
    chunks: Generator[bytes],
    target: Path,
    digests: Digests,
    recorded: int | None,
    limit: int | None,
) -> str:
    try:
        with target.open("wb") as out, closing(chunks):
            for chunk in _check_size(chunks, recorded, limit):
                out.write(chunk)
    except BaseException:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise
    digests.finish()
    return digests.md5


def _check_size(
    chunks: Iterable[bytes], recorded: int | None, limit: int | None
) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        _raise_if_too_large(size, limit)
        if recorded is not None and size > recorded:
            raise ItemLost(f"it has more than the {recorded:,} bytes that are recorded")
        yield chunk


def _raise_if_too_large(size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise ItemLost(f"more than the {limit:,} bytes that max_artifact_size allows for datasets")
