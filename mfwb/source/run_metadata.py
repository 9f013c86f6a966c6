"""Metadata of the tasks of a flow run: with one request, or one listing of a folder for each.

Metaflow's client asks for that of one task at a time, which is a request for each of thousands of
tasks. The service has had the list of a whole flow run, `/flows/F/runs/R/metadata`, as long as
that of a task (1.0 to 2.5). The client has no public way to it: its provider's
`_get_object_internal` asks for it (2.19.39); the contract test is in
tests/integration/test_service_requests.py.

The client reads a local task's metadata file by file, twice over the same folders. The guarded
provider reads a folder at once (`local_provider`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.plugins.metadata_providers.service import ServiceException, ServiceMetadataProvider

from mfwb.operations import note_operation
from mfwb.snapshot.identifiers import is_path_part
from mfwb.source.metadata_service import ServiceError

__all__ = ["RunMetadata"]

_RUN_DEPTH = 2  # parts of the pathspec of a flow run
_ORIGINS = ("origin-run-id", "origin-task-id")

Row = Mapping[str, Any]
Rows = Mapping[tuple[str, str], Sequence[Row]]  # by step and task


class RunMetadata:
    """Metadata of the tasks of a flow run, and of those that they were cloned from.

    A task that is not in it has to be read alone, by the client: the provider is a service that
    lacks the list or can't give it, or the task is not in the list, or a local record is damaged.

    Args:
        run: a `metaflow.Run`.
    """

    def __init__(self, run: Any) -> None:
        self._provider: Any = run._metaflow.metadata  # noqa: SLF001 - as in `listing`
        self._runs: dict[tuple[str, str], Rows] = {}

    def rows(self, path: Sequence[str]) -> list[Row] | None:
        """Return the metadata of a task as `metaflow.Task.metadata` does; None: read it alone.

        Args:
            path: flow, run, step and task.
        """
        return self._rows(path, frozenset())

    def _rows(self, path: Sequence[str], clones: frozenset[tuple[str, ...]]) -> list[Row] | None:
        flow, run, step, task = path
        rows = self._own_rows(flow, run, step, task)
        if not rows or tuple(path) in clones:
            return None
        origin_run, origin_task = (_last(rows, name) for name in _ORIGINS)
        if not origin_task:
            return list(rows)
        if not is_path_part(origin_run) or not is_path_part(origin_task):
            return None
        # A clone has what its origin recorded last, but for what it recorded itself.
        origin = self._rows((flow, str(origin_run), step, origin_task), clones | {tuple(path)})
        if origin is None:
            return None
        own_names = {row["name"] for row in rows}
        newest = {row["name"]: row for row in sorted(origin, key=lambda row: row["created_at"])}
        return [*rows, *(row for name, row in newest.items() if name not in own_names)]

    def _own_rows(self, flow: str, run: str, step: str, task: str) -> Sequence[Row] | None:
        if not _is_local(self._provider):
            return self._of_run(flow, run).get((step, task))
        try:
            records = self._provider.rows_of_task(flow, run, step, task)
            return [_to_row(record) for record in records]
        # The client reads it once more and finds what is wrong.
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            note_operation("Metaflow", f"{flow}/{run}/{step}/{task}, record by record: {error}")
            return None

    def _of_run(self, flow: str, run: str) -> Rows:
        if (flow, run) not in self._runs:
            self._runs[flow, run] = self._read(flow, run)
        return self._runs[flow, run]

    def _read(self, flow: str, run: str) -> Rows:
        if not _is_service(self._provider):
            return {}
        note_operation("Metaflow", f"read the metadata of {flow}/{run}")
        try:
            records = self._provider._get_object_internal(  # noqa: SLF001 - see the module docstring
                "run", _RUN_DEPTH, "metadata", _RUN_DEPTH, None, None, flow, run
            )
            return _by_task(records or ())
        # An outage shows when the first task is read alone. Other answers concern this list: it may
        # be too long for a proxy, or be damaged in a single row.
        except (ServiceError, ServiceException, KeyError, TypeError, ValueError) as error:
            note_operation("Metaflow", f"metadata of {flow}/{run}, task by task: {error}")
            return {}


def _is_service(provider: object) -> bool:
    return isinstance(provider, type) and issubclass(provider, ServiceMetadataProvider)


def _is_local(provider: object) -> bool:
    return hasattr(provider, "rows_of_task")


def _by_task(records: Sequence[Mapping[str, Any]]) -> Rows:
    tasks: dict[tuple[str, str], list[Row]] = {}
    for record in records:
        row = _to_row(record)
        tasks.setdefault((str(record["step_name"]), str(record["task_id"])), []).append(row)
    return tasks


def _to_row(record: Mapping[str, Any]) -> Row:
    name, moment = record["field_name"], record["ts_epoch"]
    if not isinstance(name, str) or not isinstance(moment, int):
        raise TypeError("a row is not as Metaflow writes it")
    return {
        "name": name,
        "value": record["value"],
        "type": record["type"],
        "created_at": moment,
    }


def _last(rows: Sequence[Row], name: str) -> str | None:
    values = [row["value"] for row in rows if row["name"] == name]
    return str(values[-1]) if values and values[-1] else None
