"""What the `.wandb` files of a bundle say of their W&B runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.errors import SinkError
from mfwb.planning import WandbRunId
from mfwb.sink.content.receipt import Receipt, parse_receipt
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.content.run_metadata import RunMetadata
from mfwb.sink.history.read_rows import Row
from mfwb.sink.push.original_run import Original
from mfwb.sink.server.run_files import files_in_summary
from mfwb.snapshot.pathspec import FlowRunId

__all__ = [
    "Contents",
    "RecordedArtifact",
    "RecordedRun",
    "Title",
    "read_config",
    "read_contents",
    "read_history",
    "read_run",
    "read_title",
]


@dataclass(frozen=True, slots=True)
class Title:
    """What a file says at its beginning: which W&B run is in it.

    Attributes:
        original: the W&B run in its bundle.
        source: the flow run that it stands for.
    """

    original: Original
    id: WandbRunId
    name: str
    group: str
    job_type: str
    entity: str
    project: str
    source: FlowRunId

    @property
    def level(self) -> int:
        """All that this W&B run uses has been logged by lower ones."""
        return self.original.level

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
class Contents:
    """Which artifacts a W&B run logs and uses.

    Attributes:
        types: names of those that it logs, with their types.
        logged: names and digests of these.
        used: names and digests of those that it uses.
    """

    types: frozenset[tuple[str, str]]
    logged: frozenset[tuple[str, str]]
    used: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """All of a file but what is long.

    Attributes:
        fingerprint: of the plan that was carried out.
        receipt: what was written.
        last_step: of the last row of its history; None: there is none.
        media: files that its summary shows.
        ended_at: when its last task ended, in epoch ms; None: it does not say.
    """

    title: Title
    tags: tuple[str, ...]
    notes: str
    fingerprint: str
    receipt: Receipt
    last_step: int | None
    media: frozenset[str]
    logged: tuple[RecordedArtifact, ...]
    used: tuple[RecordedArtifact, ...]
    summary_keys: tuple[str, ...]
    ended_at: int | None = None

    def run_metadata(self) -> RunMetadata:
        """Return what it is to say in words; BundleChanged, SinkError."""
        title = self.title
        return RunMetadata(
            name=title.name,
            group=title.group,
            job_type=title.job_type,
            tags=self.tags,
            notes=self.notes,
            config=read_config(title.original),
        )


def read_history(original: Original) -> list[Row]:
    """Return the rows of history that are in a file, as planned; BundleChanged."""
    return [_row(original, one.history) for one in original.records() if one.HasField("history")]


def read_title(original: Original) -> Title:
    """Return which W&B run is in a file; BundleChanged, or SinkError if none is."""
    run = _run_in(original)
    return Title(
        original=original,
        id=WandbRunId(run.run_id),
        name=run.display_name,
        group=run.run_group,
        job_type=run.job_type,
        entity=run.entity,
        project=run.project,
        source=_source(original, _config_in(original, run)),
    )


def read_contents(title: Title) -> Contents:
    """Return which artifacts are in a file, all of which is read; BundleChanged."""
    found = [one.artifact for one in title.original.records() if one.HasField("artifact")]
    logged = [one for one in found if not one.use_after_commit]
    return Contents(
        types=frozenset((one.name, one.type) for one in logged),
        logged=frozenset((one.name, one.digest) for one in logged),
        used=frozenset((one.name, one.digest) for one in found if one.use_after_commit),
    )


def read_run(title: Title) -> RecordedRun:
    """Return what a file says; BundleChanged, or SinkError if it was never finished."""
    original = title.original
    summary: dict[str, Any] = {}
    steps: list[int] = []
    artifacts: list[tuple[bool, RecordedArtifact]] = []
    run, is_over = pb.RunRecord(), False
    for record in original.records():
        is_over = record.HasField("exit")
        if record.HasField("run"):
            run = record.run
        elif record.HasField("summary"):
            for item in record.summary.update:
                summary[item.key] = _value(original, item.value_json)
        elif record.HasField("history"):
            steps.append(int(record.history.step.num))
        elif record.HasField("artifact"):
            is_use = record.artifact.use_after_commit
            artifacts.append((is_use, _artifact(original, record.artifact)))
    if not is_over:
        raise _useless(original)
    said = _mapping(original, summary.get(MARKER, {}))
    return RecordedRun(
        title=title,
        tags=tuple(run.tags),
        notes=run.notes,
        fingerprint=str(said.get("complete", "")),
        receipt=parse_receipt(said.get("receipt")) or Receipt(),
        last_step=max(steps, default=None),
        media=frozenset(files_in_summary(summary.values())),
        logged=tuple(one for is_use, one in artifacts if not is_use),
        used=tuple(one for is_use, one in artifacts if is_use),
        ended_at=_ended_at(summary.get("metaflow")),
        summary_keys=tuple(summary),
    )


def _row(original: Original, record: pb.HistoryRecord) -> Row:
    said = {item.nested_key[0]: _value(original, item.value_json) for item in record.item}
    values = {name: value for name, value in said.items() if name not in _BY_W_AND_B}
    return int(record.step.num), values


_BY_W_AND_B = frozenset({"_step", "_timestamp", "_runtime"})
"""What W&B has in each row."""


def _ended_at(said: Any) -> int | None:
    """Return when the last task ended, as the summary says it for people."""
    text = said.get("ended_at") if isinstance(said, dict) else None
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def read_config(original: Original) -> dict[str, Any]:
    """Return the config of the W&B run in a file; BundleChanged, SinkError."""
    return _config_in(original, _run_in(original))


def _run_in(original: Original) -> pb.RunRecord:
    for record in original.records():
        if record.HasField("run"):
            return record.run
    raise _useless(original)


def _config_in(original: Original, run: pb.RunRecord) -> dict[str, Any]:
    """Return the config of a W&B run."""
    return {item.key: _value(original, item.value_json) for item in run.config.update}


def _source(original: Original, config: dict[str, Any]) -> FlowRunId:
    """Return the flow run that a config says the W&B run is of."""
    source = FlowRunId.found_in(_mapping(original, config.get(MARKER, {})).get("source"))
    if source is None:
        raise original.changed("it does not say which flow run it is of")
    return source


def _artifact(original: Original, record: pb.ArtifactRecord) -> RecordedArtifact:
    return RecordedArtifact(
        name=record.name,
        type=record.type,
        digest=record.digest,
        aliases=tuple(record.aliases),
        metadata=dict(_mapping(original, _value(original, record.metadata or "{}"))),
        size=sum(entry.size for entry in record.manifest.contents if entry.local_path),
        is_own=record.type == "run_table",
    )


def _value(original: Original, text: str) -> Any:
    """Return a value as mfwb wrote it: also with NaN and halves of letters, as Python does."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise original.changed(f"a value in it is no JSON ({error})") from None


def _mapping(original: Original, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise original.changed("a value in it is of another type than mfwb writes")
    return value


def _useless(original: Original) -> SinkError:
    path = original.bundled.bundle / original.bundled.file
    return SinkError(f"{path} is not whole; sync its flow run into the bundle again with --force")
