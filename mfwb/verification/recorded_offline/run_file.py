"""One W&B run of a bundle: what the records of its `.wandb` file say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wandb.proto.wandb_internal_pb2 import ArtifactRecord, Record

from mfwb.verification.rows import merge_rows

__all__ = ["RunFile", "read_run"]


@dataclass(slots=True)
class RunFile:
    """The records of a W&B run, put together.

    Attributes:
        exit_code: None if the file has none, so that its writer was stopped.
        rows: of history, with `_step`.
        files: paths below the folder `files`.
    """

    id: str = ""
    entity: str = ""
    project: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    notes: str = ""
    tags: frozenset[str] = frozenset()
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    logged: list[ArtifactRecord] = field(default_factory=list)
    used: list[ArtifactRecord] = field(default_factory=list)
    axes: dict[str, str] = field(default_factory=dict)  # of charts
    started_at: float | None = None
    exit_code: int | None = None

    @property
    def state(self) -> str:
        """The state that W&B shows once the run is sent."""
        if self.exit_code is None:
            return "running"
        return "failed" if self.exit_code else "finished"

    @property
    def history(self) -> tuple[dict[int, dict[str, Any]], tuple[int, ...]]:
        """The rows by step, and the steps that have more than one."""
        return merge_rows(self.rows, self.axes.values())


def read_run(records: Iterable[Record]) -> RunFile:
    """Return the W&B run of a file; ValueError if its records are not those of a W&B run."""
    run = RunFile()
    for record in records:
        kind = record.WhichOneof("record_type")
        if kind in _READERS:
            _READERS[kind](run, getattr(record, kind))
    if not run.id:
        raise ValueError("it has no W&B run")
    return run


def _read_run(run: RunFile, record: Any) -> None:
    run.id, run.entity, run.project = record.run_id, record.entity, record.project
    run.name, run.group, run.job_type = record.display_name, record.run_group, record.job_type
    run.notes, run.tags = record.notes, frozenset(record.tags)
    _read_config(run, record.config)


def _read_config(run: RunFile, record: Any) -> None:
    _update(run.config, record.update)


def _read_summary(run: RunFile, record: Any) -> None:
    _update(run.summary, record.update)
    for item in record.remove:
        run.summary.pop(item.key or ".".join(item.nested_key), None)


def _read_history(run: RunFile, record: Any) -> None:
    row: dict[str, Any] = {}
    _update(row, record.item)
    run.rows.append({**row, "_step": record.step.num})


def _read_metric(run: RunFile, record: Any) -> None:
    if record.step_metric:
        run.axes[record.name] = record.step_metric


def _read_log(run: RunFile, record: Any) -> None:
    run.log += record.line.removesuffix("\n").split("\n")


def _read_files(run: RunFile, record: Any) -> None:
    run.files += [file.path for file in record.files]


def _read_artifact(run: RunFile, record: Any) -> None:
    (run.used if record.use_after_commit else run.logged).append(record)


def _read_environment(run: RunFile, record: Any) -> None:
    if record.HasField("started_at"):
        run.started_at = record.started_at.seconds + record.started_at.nanos / 1e9


def _read_exit(run: RunFile, record: Any) -> None:
    run.exit_code = record.exit_code


_READERS = {
    "run": _read_run,
    "config": _read_config,
    "summary": _read_summary,
    "history": _read_history,
    "metric": _read_metric,
    "output_logger": _read_log,
    "files": _read_files,
    "artifact": _read_artifact,
    "environment": _read_environment,
    "exit": _read_exit,
}


def _update(values: dict[str, Any], items: Sequence[Any]) -> None:
    """Set the values of a record's items; a nested key is a path of keys."""
    for item in items:
        *path, last = list(item.nested_key) or [item.key]
        holder = values
        for key in path:
            holder = holder.setdefault(key, {})
        holder[last] = json.loads(item.value_json)
