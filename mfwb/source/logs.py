"""Log of one attempt of a task, read from the datastore with limits on its size.

Seen in Metaflow 2.19.39 (`mflog`, `TaskDataStore._get_log_location`): four files beside the
attempt's other files, `<attempt>.<task|runtime>_<stdout|stderr>.log`, whose lines begin with
`[MFLOG|0|<UTC time>Z|<source>|<id>]`.
"""

from __future__ import annotations

import heapq
import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import LogLine, Readable
from mfwb.source.typed_values import MAX_EPOCH_MS

if TYPE_CHECKING:  # it imports metaflow
    from mfwb.source.datastore.flow_store import FlowStore

__all__ = ["measure_small_log", "read_log"]

_FILES = (
    ("runtime", "stdout", 1),
    ("task", "stdout", 7),
    ("runtime", "stderr", 1),
    ("task", "stderr", 7),
)
"""Source, stream, and share of all bytes for its file; Metaflow's runtime prints little."""

_LINE = re.compile(
    rb"(?:\[!)?\[MFLOG\|0\|([0-9T:.-]{19,26})Z\|[^|\]]{0,99}\|[^\]]{0,99}\](.*)", re.DOTALL
)
_LINE_LIMIT = 100_000  # bytes of a line
_CHUNK = 1 << 20
_READ_LIMIT = 1 << 30  # bytes that are read to reach the end of a stream without seek


def read_log(store: FlowStore, attempt: str, *, max_bytes: int) -> Iterator[LogLine]:
    """Yield the log lines of an attempt in the order of time.

    Of a file that is too large, only the beginning and the end are read. An extra line says how
    many bytes are left out between them; so does an extra line after a line that is cut.

    Args:
        store: of the flow.
        attempt: `<flow>/<run>/<step>/<task>/<number>`.
        max_bytes: to read at most of all its files, with Metaflow's prefixes of lines.

    Raises:
        SourceError: the datastore does not answer.
        ItemLost: the datastore has the log, but can't return it.
    """
    parts = sum(share for _, _, share in _FILES)
    with ExitStack() as stack:
        files = []
        for source, stream, share in _FILES:
            blob = stack.enter_context(store.open(f"{attempt}.{source}_{stream}.log"))
            if blob is not None:
                files.append(
                    _parse_lines(_read_pieces(blob.stream, max_bytes * share // parts), stream)
                )
        for _, line in heapq.merge(*files, key=_sort_time):
            yield line


def measure_small_log(store: FlowStore, attempt: str, *, max_bytes: int) -> int | None:
    """Return the bytes of a log that `read_log` returns whole; None if it may leave out some.

    No line of a file can be too long if the whole file is not longer than a line may be.

    Args:
        store: of the flow.
        attempt: as of `read_log`.
        max_bytes: as of `read_log`.

    Raises:
        SourceError: the datastore does not answer.
    """
    parts = sum(share for _, _, share in _FILES)
    size = 0
    for source, stream, share in _FILES:
        limit = min(_LINE_LIMIT, max_bytes * share // parts)
        try:
            with store.open(f"{attempt}.{source}_{stream}.log") as blob:
                length = 0 if blob is None else len(_read(blob.stream, limit + 1))
        except ItemLost:
            return None
        except OSError as error:
            raise SourceError(f"Metaflow's datastore can't be read: {error}") from error
        if length > limit:
            return None
        size += length
    return size


def _sort_time(entry: tuple[int, LogLine]) -> int:
    return entry[0]


def _parse_lines(pieces: Iterator[bytes | int], stream: str) -> Iterator[tuple[int, LogLine]]:
    """Yield lines with their sort time in us: a line without a time keeps its position."""
    latest = 0
    for piece in pieces:
        if isinstance(piece, int):
            text = f"[mfwb: {piece:,} bytes are left out here]"
            yield latest, LogLine(stream, None, text, left_out=piece)
            continue
        parsed = _LINE.fullmatch(piece)
        exact = _epoch_us(parsed[1]) if parsed else None
        moment = None if exact is None else exact // 1000
        if exact is not None:
            latest = max(latest, exact)
        data = parsed[2] if parsed and moment is not None else piece
        if data or moment is not None:
            yield latest, LogLine(stream, moment, data.decode("utf-8", "backslashreplace"))


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _epoch_us(text: bytes) -> int | None:
    """Return microseconds: within a millisecond they tell which of two streams came first."""
    try:
        moment = datetime.fromisoformat(text.decode("ascii")).replace(tzinfo=timezone.utc)
        epoch = (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return epoch if 0 <= epoch <= MAX_EPOCH_MS * 1000 else None


# --- bytes ----------------------------------------------------------------------------------


def _read_pieces(stream: Readable, max_bytes: int) -> Iterator[bytes | int]:
    """Yield lines without their line ends; a number means that so many bytes are left out."""
    try:
        head = _read(stream, max_bytes - max_bytes // 2)
        tail, skipped = _read_end(stream, max_bytes // 2)
    except OSError as error:
        raise SourceError(f"Metaflow's datastore can't be read: {error}") from error
    if not skipped:
        yield from _split_lines(head + tail)
        return
    head_end = head.rfind(b"\n") + 1 or len(head)
    tail_begin = tail.find(b"\n") + 1
    skipped += len(head) - head_end + tail_begin
    yield from _split_lines(head[:head_end])
    yield skipped
    yield from _split_lines(tail[tail_begin:])


def _read(stream: Readable, max_bytes: int) -> bytes:
    data = bytearray()
    while len(data) < max_bytes and (chunk := stream.read(min(_CHUNK, max_bytes - len(data)))):
        data += chunk
    return bytes(data)


def _read_end(stream: Any, max_bytes: int) -> tuple[bytes, int]:
    """Return the last bytes of a stream, and how many bytes were skipped before them."""
    if getattr(stream, "seekable", bool)():
        position = stream.tell()
        begin = max(position, stream.seek(0, io.SEEK_END) - max_bytes)
        stream.seek(begin)
        return _read(stream, max_bytes), begin - position
    chunks: deque[bytes] = deque()
    kept = read = 0
    while read < _READ_LIMIT and (chunk := stream.read(_CHUNK)):
        chunks.append(chunk)
        kept, read = kept + len(chunk), read + len(chunk)
        while kept - len(chunks[0]) >= max_bytes:
            kept -= len(chunks.popleft())
    data = b"".join(chunks)
    data = data[max(0, len(data) - max_bytes) :]
    return data, read - len(data)


def _split_lines(data: bytes) -> Iterator[bytes | int]:
    for line in io.BytesIO(data):
        bare = line.rstrip(b"\n") if len(line) <= _LINE_LIMIT else line[:_LINE_LIMIT]
        yield bare
        if len(line) > _LINE_LIMIT:
            yield len(line) - _LINE_LIMIT
