"""Bytes of many small artifacts, each once, and never many of them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mfwb.planning import Content
from mfwb.ports import Contents

__all__ = ["BATCH_LIMIT", "load_each"]

BATCH_LIMIT = 64_000_000
"""Bytes that are loaded at a time."""


def load_each(
    wanted: Iterable[Content], contents: Contents, *, limit: int = BATCH_LIMIT
) -> Iterator[tuple[Content, bytes | None]]:
    """Yield the bytes of each distinct content; None for what can't be had."""
    distinct = {content.sha1: content for content in wanted}
    for batch in _batches(distinct.values(), limit):
        loaded = contents.load(batch)
        for content in batch:
            yield content, loaded.get(content.sha1)


def _batches(contents: Iterable[Content], limit: int) -> Iterator[list[Content]]:
    batch: list[Content] = []
    size = 0
    for content in contents:
        # Where no size is recorded there may be as many as are ever loaded.
        most = content.size or limit
        if batch and size + most > limit:
            yield batch
            batch, size = [], 0
        batch.append(content)
        size += most
    if batch:
        yield batch
