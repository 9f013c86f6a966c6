"""The files that a W&B artifact should have of a checkpoint or model, from the datastore itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from mfwb.config import StepSettings
from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Datastore
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.tarball import TarballError, read_plain_members
from mfwb.verification.expected.checkpoint_reference import Reference
from mfwb.verification.expected.model import ExpectedFile

__all__ = ["CheckpointFiles"]

_ANY_FILES = "*"
_CHUNK = 1 << 20
_MAX_FILES = 10_000
_EASY_NAME = re.compile(r"[\w.\-/ ]{1,200}", re.ASCII)

_Options = list[Mapping[str, ExpectedFile]]


class _Stream(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class CheckpointFiles:
    """Finds the files of references in the datastores that may be read."""

    def __init__(
        self,
        open_store: Callable[[Datastore], FlowStore],
        admit: Callable[[Datastore, str], Datastore],
    ) -> None:
        self._open_store = open_store
        self._admit = admit

    def options(  # noqa: PLR0911 - one for each case
        self,
        reference: Reference,
        task: str,
        datastore: Datastore | None,
        settings: StepSettings,
        limit: int | None,
    ) -> tuple[_Options, bool]:
        """Return the possible files of a reference, and whether there surely are some."""
        if datastore is None:
            return [], False
        may_refer = datastore.type != "local" or settings.file_references
        references: _Options = [{_ANY_FILES: ExpectedFile(reference=True)}] if may_refer else []
        is_larger = limit is not None and (reference.size is None or reference.size > limit)
        if is_larger and settings.references is not True:
            return [*references, {_ANY_FILES: ExpectedFile()}], False
        if settings.references and references:
            return references, True
        try:
            store = self._open_store(self._datastore(reference, task, datastore))
            files = dict(_read_files(store, reference))
        except (ItemLost, SourceError, TarballError, OSError):
            return [], False
        size = sum(file.size or 0 for file in files.values())
        if not files or (not reference.is_tar and reference.size not in {None, size}):
            return [], False
        if not all(_EASY_NAME.fullmatch(name) for name in files):
            return [{_ANY_FILES: ExpectedFile()}], False
        return [files], True

    def _datastore(self, reference: Reference, task: str, datastore: Datastore) -> Datastore:
        """Return the datastore that has the files: its root is what comes before the key."""
        root = reference.url.removesuffix(reference.key).rstrip("/")
        if not reference.url.endswith(reference.key) or root == datastore.root.rstrip("/"):
            return datastore
        for scheme, kind in (("s3://", "s3"), ("gs://", "gs"), ("/", "local")):
            if root.startswith(scheme):
                return self._admit(Datastore(kind, root), task)
        return self._admit(Datastore(datastore.type, root), task)


def _read_files(store: FlowStore, reference: Reference) -> Iterator[tuple[str, ExpectedFile]]:
    if not reference.is_tar:
        names = sorted(store.list(reference.key))
        if len(names) > _MAX_FILES:
            raise ItemLost("too many files to be compared")
        for name in names:
            with store.open(f"{reference.key}/{name}") as blob:
                if blob is None:
                    raise ItemLost("a file is gone")
                yield name, _describe(blob.stream)
        return
    with store.open(reference.key) as blob:
        if blob is None:
            raise ItemLost("the tar is gone")
        for member in read_plain_members(blob.stream):
            if member.is_file and member.name is not None:
                yield member.name, _describe(_Member(member.read))


class _Member:
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def read(self, size: int = -1, /) -> bytes:
        return self._read(size)


def _describe(stream: _Stream) -> ExpectedFile:
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return ExpectedFile(size, base64.b64encode(digest.digest()).decode())
