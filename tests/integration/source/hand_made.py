"""Hand-made blobs: as Metaflow writes them, damaged in all ways, hostile, and hard to reach."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ALL", "IN_S3", "Case", "recorded", "sha1_of"]

GZIPPED = b'{"cas_raw": false, "cas_version": 1}'
RAW = b'{"cas_raw": true, "cas_version": 1}'


@dataclass(frozen=True)
class Case:
    """A blob, what is recorded of it, and what becomes of reading it.

    Attributes:
        stored: makes the blob of the recorded bytes; None if there is none.
        metadata: what lies beside it.
        sized: whether its size is recorded.
        fault: what happens to requests for it, in S3.
        headers: more of what S3 is told of it.
        error: the error it ends in; none if it is good.
        reason: a part of what the error says.
    """

    stored: Callable[[bytes], bytes] | None
    metadata: bytes | None = GZIPPED
    sized: bool = True
    fault: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    reason: str = ""


def recorded(name: str) -> bytes:
    """Return the bytes that the flow run of a case recorded; no two have the same."""
    return pickle.dumps({"of": name, "weights": list(range(1000))})


def sha1_of(name: str) -> str:
    """Return what a case is found by."""
    return hashlib.sha1(recorded(name), usedforsecurity=False).hexdigest()


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 3)


def _bomb(_: bytes) -> bytes:
    """Return 10 MB that unpack to 10 GB: members of a gzip file follow one another."""
    return gzip.compress(bytes(10_000_000)) * 1000


def _lost(stored: Callable[[bytes], bytes] | None, reason: str, **more: Any) -> Case:
    return Case(stored, error="ItemLost", reason=reason, **more)


def _out(reason: str, fault: dict[str, Any]) -> Case:
    return Case(_gzipped, fault=fault, error="SourceError", reason=reason)


ALL = {
    "good": Case(_gzipped),
    "unmarked": Case(_gzipped, metadata=None),
    "raw": Case(lambda data: data, RAW),
    "unsized": Case(_gzipped, sized=False),
    "gone": _lost(None, "gone"),
    "truncated": _lost(lambda data: _gzipped(data)[:-20], "damaged"),
    "without-trailer": _lost(lambda data: _gzipped(data)[:-4], "damaged"),
    "not-gzip": _lost(lambda _: b"not gzip", "damaged"),
    "flipped": _lost(lambda data: bytes(byte ^ 255 for byte in _gzipped(data)), "damaged"),
    "bad-crc": _lost(lambda data: _gzipped(data)[:-8] + bytes(8), "damaged"),
    "another": _lost(lambda _: _gzipped(b"another value"), "sha1"),
    "another-raw": _lost(lambda _: b"another value", "sha1", metadata=RAW),
    "odd-metadata": _lost(_gzipped, "encoding", metadata=b"{"),
    "bomb": _lost(_bomb, "more bytes"),
    "unsized-bomb": _lost(_bomb, "more bytes", sized=False),
    "raw-bomb": _lost(lambda _: bytes(30_000_000), "more bytes", metadata=RAW),
}

IN_S3 = {
    "archived": _lost(_gzipped, "archived", headers={"x-amz-storage-class": "GLACIER"}),
    "denied": _out("AccessDenied", {"status": 403}),
    "broken": _out("InternalError", {"status": 500}),
    "cut": _out("can't be read", {"cut_after": 100}),
    "cut-once": Case(_gzipped, fault={"cut_after": 100, "times": 1}),
}
