"""Drafts of W&B artifacts for a bundle: entries of files and references, and W&B's digest of them.

`wandb.Artifact` does the same, but all of wandb has to be imported for it. The contract test
tests/contracts/test_artifact_drafts.py compares both. Seen in wandb 0.31.0.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname
from zlib import crc32

from mfwb.ports import ReadyArtifact, ReadyFile
from mfwb.sink.content.artifact_metadata import metadata_to_write
from mfwb.sink.content.references import extra_of_reference, trimmed_uri

__all__ = [
    "DIGEST_ALGORITHM",
    "ArtifactDraft",
    "DraftEntry",
    "draft_artifact",
    "table_artifact_name",
]

DIGEST_ALGORITHM = "MANIFEST_MD5"
_DIGEST_HEADER = b"wandb-artifact-manifest-v1\n"
_CHUNK_SIZE = 1024**2
_MAX_METADATA_KEYS = 100
_FORBIDDEN_IN_NAMES = re.compile(r"[^a-zA-Z0-9_\-.]+")


@dataclass(frozen=True, slots=True)
class DraftEntry:
    """An entry in the manifest of a W&B artifact.

    Attributes:
        path: in the artifact.
        digest: the md5 of a file in base64, or what identifies the object of a reference.
        size: in bytes; 0 if it is not known.
        ref: the URI of a reference; empty for a file.
        local_path: the file; empty for a reference.
        extra: what W&B's handlers of references store beside that.
    """

    path: str
    digest: str
    size: int = 0
    ref: str = ""
    local_path: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactDraft:
    """A W&B artifact that does not exist yet.

    Attributes:
        description: empty if there is none.
        entries: by their paths, sorted.
    """

    name: str
    type: str
    description: str
    metadata: Mapping[str, Any]
    entries: tuple[DraftEntry, ...]

    @property
    def digest(self) -> str:
        """W&B's digest: an md5 over the paths and the digests of all entries, in hexadecimal."""
        digest = hashlib.md5(_DIGEST_HEADER, usedforsecurity=False)
        for entry in self.entries:
            digest.update(f"{entry.path}:{entry.digest}\n".encode())
        return digest.hexdigest()


def draft_artifact(
    ready: ReadyArtifact, started_at: int, *, metadata: Mapping[str, Any] | None = None
) -> ArtifactDraft:
    """Return a draft whose files stay in place; OSError if one can't be read.

    Args:
        ready: its files and metadata.
        started_at: the start of its flow run, in epoch ms.
        metadata: the whole metadata; None: that of the artifact.
    """
    if metadata is None:
        metadata = _accepted(metadata_to_write(ready, started_at))
    return ArtifactDraft(
        name=ready.planned.name,
        type=ready.planned.type,
        description=ready.description,
        metadata=metadata,
        entries=_sorted(map(_entry, ready.files)),
    )


def _sorted(entries: Iterable[DraftEntry]) -> tuple[DraftEntry, ...]:
    by_path: dict[str, DraftEntry] = {}
    for entry in entries:
        if by_path.setdefault(entry.path, entry).digest != entry.digest:
            raise ValueError(f"two files have the path {entry.path!r}")
        by_path[entry.path] = entry
    return tuple(entry for _, entry in sorted(by_path.items()))


def _entry(file: ReadyFile) -> DraftEntry:
    path = str(PurePosixPath(file.path))
    if file.uri is not None:
        return _reference(path, file, file.uri)
    if file.local is None:
        raise ValueError(f"{file.path} has neither a file nor a URI")
    if file.md5 is not None:
        return DraftEntry(path, file.md5, file.size, local_path=str(file.local))
    return DraftEntry(path, *_checksum(file.local), local_path=str(file.local))


def _reference(path: str, file: ReadyFile, uri: str) -> DraftEntry:
    if file.etag is not None:
        extra = extra_of_reference(uri, file.etag, file.version)
        return DraftEntry(path, file.etag, file.size, uri, extra=extra)
    if urlsplit(uri).scheme == "file":
        return DraftEntry(path, *_checksum(Path(url2pathname(urlsplit(uri).path))), ref=uri)
    trimmed = trimmed_uri(uri)
    return DraftEntry(path, trimmed, ref=trimmed)


def _checksum(path: Path) -> tuple[str, int]:
    """Return the md5 of a file in base64, and its size in bytes."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_SIZE):
            digest.update(chunk)
            size += len(chunk)
    return base64.b64encode(digest.digest()).decode(), size


def _accepted(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as W&B accepts it, without NaN; ValueError if W&B refuses it."""
    if len(metadata) > _MAX_METADATA_KEYS:
        raise ValueError(f"an artifact must not have more than {_MAX_METADATA_KEYS} metadata keys")
    return {key: _without_nan(value) for key, value in metadata.items()}


_WITHOUT_NAN = frozenset({str, int, bool, type(None)})


def _without_nan(value: Any) -> Any:
    if type(value) in _WITHOUT_NAN:  # most are texts and numbers
        return value
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise ValueError(f"metadata of an artifact can't have {value}")
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return value


def table_artifact_name(run_id: str, key: str) -> str:
    """Return W&B's name for the artifact of a table in a summary."""
    name = f"run-{run_id}-{key}"
    allowed = _FORBIDDEN_IN_NAMES.sub("", name)
    if allowed == name:
        return name
    checksum = crc32(name.encode()).to_bytes(4, "big")
    return f"{allowed}-{base64.urlsafe_b64encode(checksum).rstrip(b'=').decode()}"
