"""Batched loading of many small artifacts: each content once, few bytes in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mfwb.planning import Content
from mfwb.ports import Contents

__all__ = ["BATCH_LIMIT", "load_each"]

BATCH_LIMIT = 64_000_000
"""Bytes of one batch."""


def load_each(
    wanted: Iterable[Content], contents: Contents, *, limit: int = BATCH_LIMIT
) -> Iterator[tuple[Content, bytes | None]]:
    """Yield the bytes of each distinct content; None for those that can't be loaded."""
    distinct = {content.sha1: content for content in wanted}
    for batch in _batches(distinct.values(), limit):
        loaded = contents.load(batch)
        for content in batch:
            yield content, loaded.get(content.sha1)


def _batches(contents: Iterable[Content], limit: int) -> Iterator[list[Content]]:
    batch: list[Content] = []
    size = 0
    for content in contents:
        # Without a recorded size, a content may be as large as a whole batch.
        max_size = content.size or limit
        if batch and size + max_size > limit:
            yield batch
            batch, size = [], 0
        batch.append(content)
        size += max_size
    if batch:
        yield batch
