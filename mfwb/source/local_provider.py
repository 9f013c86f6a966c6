"""Metaflow's local metadata provider, made safe for folders to which strangers can write.

Seen in Metaflow 2.19.39. The provider opens any file that has the name of a record and passes it to
`json.load`: a pipe, whose reader waits for ever; a device without an end; a link to any file of the
machine; JSON nested deeper than the stack. It reads only through the classmethod
`LocalMetadataProvider._read_json_file`, which a subclass replaces here; and the client uses the
class in `metaflow.client.core.current_metadata`. The contract tests are in
tests/integration/source.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaflow.client import core
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider
from pydantic_core import from_json

from mfwb.files.rooted_files import read_all_in, read_below
from mfwb.source.answer_shapes import describe_non_record
from mfwb.source.json_records import has_lone_surrogate
from mfwb.source.typed_values import DamagedError

__all__ = ["guard_local_provider", "metadata_budget", "read_record"]

_RECORD_LIMIT = 1_000_000
"""Bytes of one record; Metaflow's own take a few hundred."""

_TOTAL_LIMIT = 64_000_000
_TOTAL_LIMIT_PER_RECORD = 1_500
"""Limit of the bytes of all records of a flow run, fixed and per record: all are in memory."""

_MAX_RECORDS_OF_TASK = 50_000
"""Records of one task, all of which are in memory at a time; Metaflow writes about thirty."""


@dataclass
class _Usage:
    size: int = 0
    files: int = 0
    folder: str = ""
    files_in_folder: int = 0  # files of that folder, one after the other


_budget = threading.local()


@contextmanager
def metadata_budget() -> Iterator[None]:
    """Limit how much metadata of one flow run this thread reads; OSError beyond the limit."""
    _budget.usage = _Usage()
    try:
        yield
    finally:
        del _budget.usage


def read_record(root: Path, path: str | Path, linked_folders: tuple[Path, ...]) -> Any:
    """Return the decoded JSON of a record; OSError, or ValueError if it is not JSON.

    Args:
        root: of the metadata.
        path: relative to it, or absolute.
        linked_folders: folders that links may lead to.
    """
    data = read_below(root, path, max_bytes=_RECORD_LIMIT, linked_folders=linked_folders)
    _spend(str(path).rpartition(os.sep)[0], len(data))
    return _decode(data)


def read_task_records(
    root: Path, folder: str, linked_folders: tuple[Path, ...]
) -> list[dict[str, Any]]:
    """Return the metadata of a task, in the order of the provider.

    Its folder is checked once, and its files are opened in that folder, so that each takes one
    opening. OSError or ValueError if anything is not as Metaflow writes it: a link, a pipe, a file
    that is not JSON. To read record by record tells then what is wrong.

    Args:
        root: of the metadata.
        folder: `_meta` of the task, relative to the root.
        linked_folders: folders that links may lead to.
    """
    records = []
    for data in read_all_in(
        root, folder, _is_metadata, max_bytes=_RECORD_LIMIT, linked_folders=linked_folders
    ):
        _spend(folder, len(data))
        record = _decode(data)
        if (wrong := describe_non_record(record)) is not None:
            raise ValueError(wrong)
        records.append(record)
    return records


def _is_metadata(name: str) -> bool:
    return name.startswith("sysmeta_")


def _spend(folder: str, size: int) -> None:
    """Count the bytes of a record in a folder; OSError if they are too many."""
    usage: _Usage | None = getattr(_budget, "usage", None)
    if usage is None:
        return
    usage.size += size
    usage.files += 1
    usage.files_in_folder = usage.files_in_folder + 1 if folder == usage.folder else 1
    usage.folder = folder
    if usage.files_in_folder > _MAX_RECORDS_OF_TASK:
        raise OSError(f"it has more than {_MAX_RECORDS_OF_TASK:,} records of metadata")
    if usage.size > _TOTAL_LIMIT + _TOTAL_LIMIT_PER_RECORD * usage.files:
        raise OSError(f"its metadata takes more than {_TOTAL_LIMIT:,} bytes")


def _decode(data: bytes) -> Any:
    try:
        return from_json(data)
    except ValueError:
        if not has_lone_surrogate(data):
            raise
        return json.loads(data)


def guard_local_provider(root: Path | None, linked_folders: tuple[Path, ...]) -> None:
    """Make the client read local metadata by `read_record`; other providers do not change.

    Selecting a provider with `metaflow.metadata` undoes this.

    Args:
        root: of the metadata; None if it is not local.
        linked_folders: folders that links may lead to.
    """
    provider: Any = core.current_metadata
    is_local = isinstance(provider, type) and issubclass(provider, LocalMetadataProvider)
    if root is None or not is_local:
        return
    home = root

    class Guarded(provider):  # type: ignore[misc]
        """The provider, with records read as safely as other files of strangers."""

        @classmethod
        def _read_json_file(cls, filepath: str) -> Any:
            record = read_record(home, filepath, linked_folders)
            if (wrong := describe_non_record(record)) is not None:
                path = os.path.relpath(filepath, home)
                raise DamagedError(f"{path} holds {wrong}, where a record must be")
            return record

        @classmethod
        def rows_of_task(cls, *path: str) -> list[dict[str, Any]]:
            """Return the metadata of a task, as `read_task_records` does."""
            return read_task_records(home, "/".join((*path, "_meta")), linked_folders)

    core.current_metadata = Guarded
