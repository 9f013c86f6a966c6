"""The records of one W&B run in a `.wandb` file, as wandb-core would write them."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha512
from importlib.metadata import version
from math import isfinite
from typing import Any

from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ChartAxis
from mfwb.sink.content.edits import new_run_metadata
from mfwb.sink.content.run_metadata import RunMetadata, planned_run_metadata
from mfwb.sink.offline import messages as pb
from mfwb.sink.offline.artifact_draft import DIGEST_ALGORITHM, ArtifactDraft
from mfwb.version import __version__

__all__ = [
    "add_to_summary",
    "axis_records",
    "environment_record",
    "exit_record",
    "files_record",
    "header_record",
    "history_records",
    "log_record",
    "logged_artifact",
    "make_draft_id",
    "number_records",
    "opening_records",
    "row_times",
    "summary_record",
    "used_artifact",
    "write_run_metadata",
]

_MIN_SERVER = "0.70.0"  # the minimum of wandb 0.31


def number_records(run_id: str, records: Iterable[pb.Record]) -> Iterator[pb.Record]:
    """Yield records with numbers and the id of the W&B run that they belong to."""
    for number, record in enumerate(records, start=1):
        record.num = number
        record._info.stream_id = run_id  # noqa: SLF001 - a field of the message
        yield record


def opening_records(plan: Plan, run: PlannedRun, start: int, writer: str) -> Iterator[pb.Record]:
    """Yield the first records: the kind of the file, and its W&B run.

    Args:
        plan: the plan that the W&B run belongs to; its entity is known.
        run: the planned run.
        start: the start of the run for W&B, in epoch ms.
        writer: the id of this sync's ledger.
    """
    yield header_record()
    telemetry = _telemetry()
    record = pb.RunRecord(
        run_id=run.id,
        entity=plan.entity or "",
        project=plan.project,
        telemetry=telemetry,
        **_origin(run),
    )
    record.start_time.FromMilliseconds(start)
    write_run_metadata(record, new_run_metadata(planned_run_metadata(plan, run, writer)))
    yield pb.Record(run=record)
    yield pb.Record(telemetry=telemetry)


def header_record() -> pb.Record:
    """Return the first record."""
    version = pb.VersionInfo(producer=f"mfwb-{__version__}", min_consumer=_MIN_SERVER)
    return pb.Record(header=pb.HeaderRecord(version_info=version))


def write_run_metadata(record: pb.RunRecord, run_metadata: RunMetadata) -> None:
    """Set names, tags, notes and config of a record, and remove other ones."""
    record.run_group, record.job_type = run_metadata.group, run_metadata.job_type
    record.display_name, record.notes = run_metadata.name, run_metadata.notes
    del record.tags[:]
    record.tags.extend(run_metadata.tags)
    del record.config.update[:]
    for key, value in run_metadata.config.items():
        record.config.update.add(key=key, value_json=_json(value))


def add_to_summary(record: pb.SummaryRecord, values: Mapping[str, Any]) -> None:
    """Add values to a summary record."""
    for key, value in values.items():
        record.update.add(key=key, value_json=_json(value))


def _origin(run: PlannedRun) -> dict[str, Any]:
    """Return where the code ran; of the user's `[settings]`, the fields that a record can hold."""
    settings = {**run.origin, **run.wandb_settings}
    git = {"commit": settings.get("git_commit"), "remote_url": settings.get("git_remote_url")}
    return {
        "host": settings.get("host") or "",
        "sweep_id": settings.get("sweep_id") or "",
        "git": pb.GitRepoRecord(**git) if any(git.values()) else None,
    }


def _telemetry() -> Any:
    """Return the telemetry that W&B's own writer puts into such a file."""
    record = pb.Record().telemetry
    record.feature.offline = True
    record.feature.server_side_derived_summary = True
    record.python_version = platform.python_version()
    record.cli_version = _wandb_version()
    return record


@cache
def _wandb_version() -> str:
    """Return the version of the installed SDK, which is read from a file."""
    return version("wandb")


def environment_record(epoch_ms: int) -> pb.Record:
    """Return the record with the start of the work."""
    record = pb.EnvironmentRecord()
    record.started_at.FromMilliseconds(epoch_ms)
    return pb.Record(environment=record)


def axis_records(axes: Iterable[ChartAxis]) -> Iterator[pb.Record]:
    """Yield the records of `define_metric`, which set the x axes of charts."""
    for axis in axes:
        record = pb.MetricRecord(name=axis.chart, step_metric=axis.axis)
        record.options.defined = True
        record.options.step_sync = True  # as always with an x axis
        if axis.keeps_value:
            record.summary.none = True
        yield pb.Record(metric=record)


def row_times(start: int) -> dict[str, float]:
    """Return W&B's own columns for a row: when the work began, and how long after that it was.

    Args:
        start: the start of the work in epoch ms. Metaflow does not record when each number of a
            list came into being, so all rows have this time.
    """
    return {"_timestamp": start / 1000, "_runtime": 0.0}


def history_records(
    rows: Iterable[tuple[int, Mapping[str, Any]]], shared: Mapping[str, Any]
) -> Iterator[pb.Record]:
    """Yield rows of history.

    Args:
        rows: step and columns of each row.
        shared: further columns, the same in all rows, which replace columns of their names.
    """
    texts = {key: _json(value) for key, value in shared.items()}
    for step, row in rows:
        record = pb.Record()
        record.history.step.num = step
        add = record.history.item.add
        for key, value in row.items():
            if key not in texts and key != "_step":
                add(nested_key=[key], value_json=_json(value))
        for key, text in (*texts.items(), ("_step", _json(step))):
            add(nested_key=[key], value_json=text)
        yield record


def log_record(text: str) -> pb.Record:
    """Return the record with lines for the Logs tab."""
    return pb.Record(output_logger=pb.OutputLoggerRecord(line=f"{text}\n"))


def files_record(paths: Sequence[str]) -> pb.Record:
    """Return the record that names files of the W&B run, below its folder `files`."""
    return pb.Record(files=pb.FilesRecord(files=[pb.FilesItem(path=path) for path in paths]))


def summary_record(values: Mapping[str, Any]) -> pb.Record:
    """Return the summary."""
    record = pb.SummaryRecord()
    add_to_summary(record, values)
    return pb.Record(summary=record)


def exit_record(exit_code: int) -> pb.Record:
    """Return the last record."""
    return pb.Record(exit=pb.RunExitRecord(exit_code=exit_code))


def logged_artifact(
    plan: Plan,
    run: PlannedRun,
    artifact: ArtifactDraft,
    aliases: Iterable[str],
    *,
    as_: tuple[str, str] | None = None,
) -> pb.ArtifactRecord:
    """Return the record of a W&B run that logs an artifact.

    Args:
        plan: the plan that the W&B run belongs to.
        run: the W&B run.
        artifact: the artifact with all its files.
        aliases: all aliases: W&B adds none.
        as_: name and type, if they differ from the artifact's: W&B reserves those of tables.
    """
    name, type_ = as_ or (artifact.name, artifact.type)
    digest = artifact.digest
    return pb.ArtifactRecord(
        run_id=run.id,
        entity=plan.entity or "",
        project=plan.project,
        name=name,
        type=type_,
        digest=digest,
        digest_algorithm=DIGEST_ALGORITHM,
        description=artifact.description,
        metadata=_json(artifact.metadata) if artifact.metadata else "",
        aliases=sorted(aliases),
        manifest=_manifest(artifact),
        finalize=True,
        **_client_ids(plan.entity, plan.project, run, name, digest),
    )


def used_artifact(run: PlannedRun, logged: pb.ArtifactRecord) -> pb.Record:
    """Return the record of a W&B run that uses an artifact of another one.

    Public `use_artifact` refuses to work offline. This record does what the method does online
    with a draft: the artifact is created for the user rather than for this run, and used once it
    is committed. It has no alias, so that `latest` does not move.
    """
    record = pb.ArtifactRecord()
    record.CopyFrom(logged)
    record.run_id = run.id
    record.user_created = True
    record.use_after_commit = True
    del record.aliases[:]
    ids = _client_ids(logged.entity, logged.project, run, logged.name, logged.digest)
    record.client_id, record.sequence_client_id = ids["client_id"], ids["sequence_client_id"]
    return pb.Record(artifact=record)


def _client_ids(
    entity: str | None, project: str, run: PlannedRun, name: str, digest: str
) -> dict[str, str]:
    """Return the client ids of a draft, which W&B uses until it has an id.

    W&B's writer chooses them at random. Here the same draft always gets the same ids, so that a
    file that is written again is the same file. In another project it has another draft, as W&B
    finds drafts by these ids alone.
    """
    draft = f"{entity or ''}/{project}/{run.id}/{name}:{digest}"
    return {
        "client_id": make_draft_id(draft),
        "sequence_client_id": make_draft_id(f"versions of {draft}"),
    }


def make_draft_id(seed: str) -> str:
    """Return the draft id for a text: 128 digits and small letters, as W&B's own are."""
    return sha512(f"{seed}\n".encode()).hexdigest()


def _manifest(artifact: ArtifactDraft) -> pb.ArtifactManifest:
    """Return the entries of an artifact, and W&B's way to store them (wandb 0.31.0)."""
    record = pb.ArtifactManifest(version=1, storage_policy="wandb-storage-policy-v1")
    record.storage_policy_config.add(key="storageLayout", value_json=_json("V2"))
    for entry in artifact.entries:
        content = record.contents.add(
            path=entry.path,
            digest=entry.digest,
            ref=entry.ref,
            size=entry.size,
            local_path=entry.local_path,
            skip_cache=bool(entry.local_path),
        )
        for key, value in entry.extra.items():
            content.extra.add(key=key, value_json=_json(value))
    return record


def _json(value: Any) -> str:
    kind = type(value)
    if kind is int or (kind is float and isfinite(value)):  # as in most rows; the encoder is slow
        return repr(value)
    return _encode(value)


_encode = json.JSONEncoder(separators=(",", ":")).encode  # `dumps` makes an encoder for each value
