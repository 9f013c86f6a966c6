"""What the `.wandb` files of a bundle say of their W&B runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.errors import SinkError
from mfwb.planning import WandbRunId
from mfwb.sink.content import MARKER
from mfwb.sink.receipts import Receipt, receipt_from
from mfwb.sink.run_files import shown_files
from mfwb.sink.transaction_log import read_records

__all__ = ["RecordedArtifact", "RecordedRun", "Title", "read_config", "read_run", "read_title"]


@dataclass(frozen=True, slots=True)
class Title:
    """What a file says at its beginning: which W&B run is in it.

    Attributes:
        path: the file.
        level: all that this W&B run uses has been logged by lower ones.
        source: the flow run that it stands for.
    """

    path: Path
    level: int
    id: WandbRunId
    name: str
    group: str
    job_type: str
    entity: str
    project: str
    source: Any

    @property
    def place(self) -> tuple[str, str]:
        """Entity and project."""
        return self.entity, self.project


@dataclass(frozen=True, slots=True)
class RecordedArtifact:
    """An artifact that a W&B run logs or uses.

    Attributes:
        size: bytes that have to be sent if W&B does not have them.
        is_own: of the kind that W&B makes itself, of tables.
    """

    name: str
    type: str
    digest: str
    aliases: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    is_own: bool = False

    @property
    def content(self) -> tuple[str, str]:
        """What tells it from others in its project."""
        return self.name, self.digest


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """All of a file but what is long.

    Attributes:
        fingerprint: of the plan that was carried out.
        receipt: what was written.
        rows: how many rows its history has.
        last_step: of the last one; None: there is none.
        media: files that its summary shows.
    """

    title: Title
    tags: tuple[str, ...]
    notes: str
    fingerprint: str
    receipt: Receipt
    rows: int
    last_step: int | None
    media: frozenset[str]
    logged: tuple[RecordedArtifact, ...]
    used: tuple[RecordedArtifact, ...]


def read_title(path: Path, level: int) -> Title:
    """Return which W&B run is in a file; SinkError if none is."""
    for record in _records(path):
        if record.HasField("run"):
            run = record.run
            return Title(
                path=path,
                level=level,
                id=WandbRunId(run.run_id),
                name=run.display_name,
                group=run.run_group,
                job_type=run.job_type,
                entity=run.entity,
                project=run.project,
                source=_config_in(run).get(MARKER, {}).get("source"),
            )
    raise _useless(path)


def read_run(title: Title) -> RecordedRun:
    """Return what a file says; SinkError if it was never finished."""
    records = list(_records(title.path))
    if not records or not records[-1].HasField("exit"):
        raise _useless(title.path)
    run = next(one.run for one in records if one.HasField("run"))
    summary = _summary(records)
    said = summary.get(MARKER) or {}
    steps = [int(one.history.step.num) for one in records if one.HasField("history")]
    artifacts = [one.artifact for one in records if one.HasField("artifact")]
    return RecordedRun(
        title=title,
        tags=tuple(run.tags),
        notes=run.notes,
        fingerprint=said.get("complete", ""),
        receipt=receipt_from(said.get("receipt")) or Receipt(),
        rows=len(steps),
        last_step=max(steps, default=None),
        media=frozenset(shown_files(summary.values())),
        logged=tuple(_artifact(one) for one in artifacts if not one.use_after_commit),
        used=tuple(_artifact(one) for one in artifacts if one.use_after_commit),
    )


def read_config(path: Path) -> dict[str, Any]:
    """Return the config of the W&B run in a file; SinkError."""
    for record in _records(path):
        if record.HasField("run"):
            return _config_in(record.run)
    raise _useless(path)


def _config_in(run: pb.RunRecord) -> dict[str, Any]:
    """Return the config of a W&B run."""
    return {item.key: json.loads(item.value_json) for item in run.config.update}


def _summary(records: Iterable[pb.Record]) -> dict[str, Any]:
    return {
        item.key: json.loads(item.value_json)
        for one in records
        if one.HasField("summary")
        for item in one.summary.update
    }


def _artifact(record: pb.ArtifactRecord) -> RecordedArtifact:
    return RecordedArtifact(
        name=record.name,
        type=record.type,
        digest=record.digest,
        aliases=tuple(record.aliases),
        metadata=json.loads(record.metadata or "{}"),
        size=sum(entry.size for entry in record.manifest.contents if entry.local_path),
        is_own=record.type == "run_table",
    )


def _records(path: Path) -> Iterator[pb.Record]:
    try:
        yield from read_records(path)
    except (OSError, ValueError) as error:  # protobuf's errors are ValueErrors
        raise SinkError(f"{path} can't be read: {error}") from error


def _useless(path: Path) -> SinkError:
    return SinkError(f"{path} is not whole; sync its flow run into the bundle again with --force")
