"""W&B runs as they are recorded in the `.wandb` files of a bundle."""

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
from mfwb.sink.push.original_run import OriginalRun
from mfwb.sink.server.run_files import files_in_summary
from mfwb.snapshot.pathspec import FlowRunId

__all__ = [
    "WANDB_COLUMNS",
    "RecordedArtifact",
    "RecordedRun",
    "RunArtifacts",
    "RunHeader",
    "read_artifacts",
    "read_config",
    "read_header",
    "read_history",
    "read_run",
]


@dataclass(frozen=True, slots=True)
class RunHeader:
    """The beginning of a `.wandb` file: the identity of the W&B run in it.

    Attributes:
        original: the W&B run in its bundle.
        source: the flow run that the W&B run belongs to.
    """

    original: OriginalRun
    id: WandbRunId
    name: str
    group: str
    job_type: str
    entity: str
    project: str
    source: FlowRunId

    @property
    def level(self) -> int:
        """The level of the W&B run; it only uses artifacts of lower levels."""
        return self.original.level

    @property
    def project_path(self) -> tuple[str, str]:
        """The entity and the project."""
        return self.entity, self.project


@dataclass(frozen=True, slots=True)
class RecordedArtifact:
    """An artifact that a W&B run logs or uses.

    Attributes:
        size: bytes that have to be sent if W&B does not have them.
        is_own: whether it is of the type that W&B itself creates for tables.
        draft_id: W&B's id of the draft, until the artifact has an id.
    """

    name: str
    type: str
    digest: str
    aliases: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    is_own: bool = False
    draft_id: str = ""

    @property
    def content(self) -> tuple[str, str]:
        """Name and digest, which identify the artifact in its project."""
        return self.name, self.digest


@dataclass(frozen=True, slots=True)
class RunArtifacts:
    """The artifacts that a W&B run logs and uses.

    Attributes:
        types: names and types of the logged artifacts.
        logged: names and digests of the logged artifacts.
        used: names and digests of the used artifacts.
    """

    types: frozenset[tuple[str, str]]
    logged: frozenset[tuple[str, str]]
    used: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The content of a `.wandb` file without its rows and lines.

    Attributes:
        fingerprint: the fingerprint of the plan that was carried out.
        receipt: the receipt of what was written.
        last_step: the step of the last row of its history; None: there is no row.
        media: the files that its summary shows.
        ended_at: the end of its last task, in epoch ms; None: it is not recorded.
        axes: the x axis of each chart that has one.
    """

    header: RunHeader
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
    axes: Mapping[str, str] = field(default_factory=dict)

    def run_metadata(self) -> RunMetadata:
        """Return the metadata to write in W&B; BundleChanged, SinkError."""
        header = self.header
        return RunMetadata(
            name=header.name,
            group=header.group,
            job_type=header.job_type,
            tags=self.tags,
            notes=self.notes,
            config=read_config(header.original),
        )


def read_history(original: OriginalRun) -> list[Row]:
    """Return the rows of history in a file, as planned; BundleChanged."""
    records = (record for record in original.records() if record.HasField("history"))
    return [_row(original, record.history) for record in records]


def read_header(original: OriginalRun) -> RunHeader:
    """Return the header of a file; BundleChanged, or SinkError if there is no W&B run in it."""
    run = _run_in(original)
    return RunHeader(
        original=original,
        id=WandbRunId(run.run_id),
        name=run.display_name,
        group=run.run_group,
        job_type=run.job_type,
        entity=run.entity,
        project=run.project,
        source=_source(original, _config_in(original, run)),
    )


def read_artifacts(header: RunHeader) -> RunArtifacts:
    """Return the artifacts in a file; this reads all of its records; BundleChanged."""
    records = (record for record in header.original.records() if record.HasField("artifact"))
    artifacts = [record.artifact for record in records]
    logged = [artifact for artifact in artifacts if not artifact.use_after_commit]
    used = [artifact for artifact in artifacts if artifact.use_after_commit]
    return RunArtifacts(
        types=frozenset((artifact.name, artifact.type) for artifact in logged),
        logged=frozenset((artifact.name, artifact.digest) for artifact in logged),
        used=frozenset((artifact.name, artifact.digest) for artifact in used),
    )


def read_run(header: RunHeader) -> RecordedRun:
    """Return the W&B run in a file; BundleChanged, or SinkError if it is incomplete."""
    original = header.original
    summary: dict[str, Any] = {}
    steps: list[int] = []
    artifacts: list[tuple[bool, RecordedArtifact]] = []
    axes: dict[str, str] = {}
    run, is_finished = pb.RunRecord(), False
    for record in original.records():
        is_finished = record.HasField("exit")
        if record.HasField("run"):
            run = record.run
        elif record.HasField("summary"):
            for item in record.summary.update:
                summary[item.key] = _value(original, item.value_json)
        elif record.HasField("history"):
            steps.append(int(record.history.step.num))
        elif record.HasField("metric"):
            axes[record.metric.name] = record.metric.step_metric
        elif record.HasField("artifact"):
            is_use = record.artifact.use_after_commit
            artifacts.append((is_use, _artifact(original, record.artifact)))
    if not is_finished:
        raise _incomplete(original)
    marks = _mapping(original, summary.get(MARKER, {}))
    return RecordedRun(
        header=header,
        tags=tuple(run.tags),
        notes=run.notes,
        fingerprint=str(marks.get("complete", "")),
        receipt=parse_receipt(marks.get("receipt"))
        or parse_receipt(marks.get("rules"))
        or Receipt(),
        last_step=max(steps, default=None),
        media=frozenset(files_in_summary(summary.values())),
        logged=tuple(artifact for is_use, artifact in artifacts if not is_use),
        used=tuple(artifact for is_use, artifact in artifacts if is_use),
        ended_at=_ended_at(summary.get("metaflow")),
        summary_keys=tuple(summary),
        axes=axes,
    )


def _row(original: OriginalRun, record: pb.HistoryRecord) -> Row:
    row = {item.nested_key[0]: _value(original, item.value_json) for item in record.item}
    values = {name: value for name, value in row.items() if name not in WANDB_COLUMNS}
    return int(record.step.num), values


WANDB_COLUMNS = frozenset({"_step", "_timestamp", "_runtime"})
"""The columns that W&B adds to each row."""


def _ended_at(section: Any) -> int | None:
    """Return the end of the last task, from the section `metaflow` of the summary."""
    text = section.get("ended_at") if isinstance(section, dict) else None
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def read_config(original: OriginalRun) -> dict[str, Any]:
    """Return the config of the W&B run in a file; BundleChanged, SinkError."""
    return _config_in(original, _run_in(original))


def _run_in(original: OriginalRun) -> pb.RunRecord:
    for record in original.records():
        if record.HasField("run"):
            return record.run
    raise _incomplete(original)


def _config_in(original: OriginalRun, run: pb.RunRecord) -> dict[str, Any]:
    """Return the config of a W&B run."""
    return {item.key: _value(original, item.value_json) for item in run.config.update}


def _source(original: OriginalRun, config: dict[str, Any]) -> FlowRunId:
    """Return the flow run of a W&B run, from its config."""
    source = FlowRunId.from_config(_mapping(original, config.get(MARKER, {})).get("source"))
    if source is None:
        raise original.changed("it does not name its flow run")
    return source


def _artifact(original: OriginalRun, record: pb.ArtifactRecord) -> RecordedArtifact:
    return RecordedArtifact(
        name=record.name,
        type=record.type,
        digest=record.digest,
        aliases=tuple(record.aliases),
        metadata=dict(_mapping(original, _value(original, record.metadata or "{}"))),
        size=sum(entry.size for entry in record.manifest.contents if entry.local_path),
        is_own=record.type == "run_table",
        draft_id=record.client_id,
    )


def _value(original: OriginalRun, text: str) -> Any:
    """Return a value as mfwb wrote it: also with NaN and lone surrogates, as Python reads them."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise original.changed(f"a value in it is not JSON ({error})") from None


def _mapping(original: OriginalRun, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise original.changed("a value in it is of another type than mfwb writes")
    return value


def _incomplete(original: OriginalRun) -> SinkError:
    path = original.bundled.bundle / original.bundled.file
    return SinkError(f"{path} is incomplete; sync its flow run into the bundle again with --force")
