"""Files of checkpoints and models, read from the datastore without `metaflow-checkpoint`.

Seen in metaflow-checkpoint 0.2.0 to 0.2.14; docs/checkpoints.md has the layout. A reference is part
of an artifact, which anybody may have written. So it names no root by itself: its datastore is one
of the user's, its key was checked to be a plain path in the folders of the package, and a model has
to have a record by a task of the same flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import BlobLocation, CheckpointFile, Readable
from mfwb.snapshot import Datastore
from mfwb.snapshot.checkpoints import StoredReference, parse_reference, record_key
from mfwb.source.datastore.blobs import GONE
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.json_records import parse_json, read_limited
from mfwb.source.tarball import Member, TarballError, read_plain_members
from mfwb.source.typed_values import DamagedError

__all__ = ["FILES_LIMIT", "find_datastore", "locate_files", "read_files"]

FILES_LIMIT = 10_000
"""Files of one checkpoint; more of them are counted, and not read."""

_RECORD_LIMIT = 1_000_000  # bytes
_SCHEMES = {"s3://": "s3", "gs://": "gs"}


def find_datastore(
    reference: StoredReference, datastore: Datastore, admit: Callable[[Datastore], Datastore]
) -> Datastore:
    """Return the datastore that has the files of a reference.

    It is that of the task, unless the URL has another root: the package stores its files in the
    datastore that is configured as default, even where a flow runs with `--datastore`.

    Args:
        reference: the reference.
        datastore: of the task that has the reference.
        admit: returns a datastore that the user allows; SourceError.

    Raises:
        ItemLost: it is in a datastore that is not one of the user's.
    """
    root = reference.url.removesuffix(f"/{reference.key}")
    if root in {reference.url, datastore.root.rstrip("/")}:
        return datastore
    kind = next((kind for scheme, kind in _SCHEMES.items() if root.startswith(scheme)), None)
    if kind is None:
        kind = "local" if root.startswith("/") else datastore.type
    try:
        return admit(Datastore(kind, root))
    except SourceError as error:
        raise ItemLost(str(error)) from None


def read_files(store: FlowStore, flow: str, reference: StoredReference) -> Iterator[CheckpointFile]:
    """Yield the files of a checkpoint or model, each to be read before the next one is requested.

    Raises:
        ItemLost: the files are gone, or are not those that were recorded; this may be known only
            after the last file.
        SourceError: the datastore does not answer.
    """
    _check_record(store, flow, reference)
    size = _Size(reference)
    if reference.storage_format == "tar":
        yield from _read_tar(store, reference, size)
        return
    names, left_out = _list(store, reference)
    for name in names:
        with store.open(f"{reference.key}/{name}") as blob:
            if blob is None:
                raise ItemLost(GONE)
            yield CheckpointFile(name, _Counted(blob.stream, size))
    if left_out:
        yield CheckpointFile("...", None, f"{left_out:,} more files than {FILES_LIMIT:,}")
    else:
        size.check()


def locate_files(
    store: FlowStore, flow: str, reference: StoredReference
) -> list[tuple[str, BlobLocation]] | None:
    """Return the location of each file, or that of the tar under an empty name.

    None if other machines can't follow a reference to them. Errors as of `read_files`.
    """
    _check_record(store, flow, reference)
    if reference.storage_format == "tar":
        paths = {"": reference.key}
    else:
        names, left_out = _list(store, reference)
        if left_out:
            raise ItemLost(f"it has {len(names) + left_out:,} files, more than {FILES_LIMIT:,}")
        paths = {name: f"{reference.key}/{name}" for name in names}
    located: list[tuple[str, BlobLocation]] = []
    for name, path in paths.items():
        location = store.locate_path(path)
        if location is None:
            return None
        located.append((name, replace(location, gzipped=False)))
    if reference.size not in {None, sum(location.size for _, location in located)}:
        raise ItemLost(_differs(sum(location.size for _, location in located), reference))
    return located


def _list(store: FlowStore, reference: StoredReference) -> tuple[list[str], int]:
    """Return the names of the files, sorted, and how many more there are; ItemLost if none."""
    names: list[str] = []
    left_out = 0
    with closing(iter(store.list(reference.key))) as listed:  # type: ignore[type-var]
        for name in listed:
            if len(names) < FILES_LIMIT:
                names.append(name)
            else:
                left_out += 1
    if not names:
        raise ItemLost(GONE)
    return sorted(names), left_out


def _read_tar(
    store: FlowStore, reference: StoredReference, size: _Size
) -> Iterator[CheckpointFile]:
    with store.open(reference.key) as blob:
        if blob is None:
            raise ItemLost(GONE)
        stream = _Counted(blob.stream, size)
        try:
            for count, member in enumerate(read_plain_members(stream)):
                if count >= FILES_LIMIT:
                    raise ItemLost(f"it has more than {FILES_LIMIT:,} files")
                yield _member(member)
        except TarballError as error:
            raise ItemLost(f"its tar can't be read: {error}") from None
        while stream.read(1 << 20):  # the zeros at the end
            pass
    size.check()


def _member(member: Member) -> CheckpointFile:
    name = member.name
    if name is None:
        return CheckpointFile(member.recorded_name, None, "its path leads out of the checkpoint")
    if not member.is_file:
        return CheckpointFile(name, None, "it is a link, a device or another special file")
    return CheckpointFile(name, _MemberStream(member.read))


@dataclass(frozen=True, slots=True)
class _MemberStream:
    _read: Callable[[int], bytes]

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._read(size if size >= 0 else 1 << 62)
        except TarballError as error:
            raise ItemLost(f"its tar can't be read: {error}") from None


def _check_record(store: FlowStore, flow: str, reference: StoredReference) -> None:
    """Raise ItemLost unless a task of this flow saved a model: its key has no name of a flow."""
    if reference.kind != "model":
        return
    with store.open(record_key(reference)) as blob:
        if blob is None:
            raise ItemLost(GONE)
        try:
            recorded = parse_json(dict[str, Any], read_limited(blob.stream, _RECORD_LIMIT))
        except DamagedError as error:
            raise ItemLost(f"its record in Metaflow's datastore is damaged: {error}") from None
    own = parse_reference(recorded, flow)
    if own is None or own.key != reference.key:
        raise ItemLost("its record in Metaflow's datastore is not that of a model of this flow")


class _Size:
    """Counts the bytes that were read, against the recorded size."""

    def __init__(self, reference: StoredReference) -> None:
        self._reference = reference
        self._count = 0

    def add(self, count: int) -> None:
        """Count bytes; ItemLost if they are more than recorded."""
        self._count += count
        recorded = self._reference.size
        if recorded is not None and self._count > recorded:
            raise ItemLost(f"it has more than the {recorded:,} bytes that are recorded")

    def check(self) -> None:
        """Raise ItemLost if there were fewer bytes than recorded."""
        if self._reference.size not in {None, self._count}:
            raise ItemLost(_differs(self._count, self._reference))


def _differs(count: int, reference: StoredReference) -> str:
    return f"it has {count:,} bytes, while {reference.size:,} are recorded"


class _Counted:
    """A stream whose bytes are counted."""

    def __init__(self, stream: Readable, size: _Size) -> None:
        self._stream = stream
        self._size = size

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; ItemLost if they can't be read, or are more than recorded."""
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise ItemLost(f"it can't be read: {error}") from error
        self._size.add(len(data))
        return data
