"""W&B runs as closed `.wandb` files in a bundle, with lineage, ready for `wandb sync`.

    DIR/payloads/           the files of artifacts, once each; the W&B runs refer to them
    DIR/level-00/wandb/     W&B runs that use no other one's artifacts, with a folder each
    DIR/level-01/wandb/     W&B runs that use artifacts of level 00; and so on

The folder of a W&B run has `run-ID.wandb`, the `files` that W&B shows, the `artifacts` that are
not among the payloads, and the `manifest.json` of all that is sent with the run.

`wandb sync` uploads runs in random order, and an artifact that is used before it was logged
gets no producer; so levels are uploaded one after the other.

The files are written here rather than by the SDK, which takes 70 ms for a W&B run, can't record
that one uses an artifact, and is still writing when `finish()` has returned.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mfwb.errors import SinkError
from mfwb.files.private_files import remove_below
from mfwb.outcome import OutputOutcome
from mfwb.planning import OutputArtifact, Plan, PlannedRun, WandbRunId
from mfwb.planning.missing_uses import explain_missing_in_bundle
from mfwb.planning.names import project_path
from mfwb.ports import AppliedRule, ReadyArtifact, ReadyFile, ReadyRun, ReadyTable, WrittenRun
from mfwb.sink.client.version_keys import LATEST
from mfwb.sink.content.history_rows import build_rows
from mfwb.sink.content.media import (
    add_card,
    add_preview,
    add_table,
    table_file,
    write_table_artifact,
)
from mfwb.sink.content.producers import Producers
from mfwb.sink.content.receipt import Receipt, use_item, uses_of
from mfwb.sink.content.run_content import (
    build_summary,
    done,
    file_previews,
    format_log,
    summary_keys,
    tables_of,
)
from mfwb.sink.offline import messages as pb
from mfwb.sink.offline import records
from mfwb.sink.offline.artifact_draft import draft_artifact, table_artifact_name
from mfwb.sink.offline.bundle import find_bundled_runs, level_folder
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.offline.new_payloads import NewPayloads
from mfwb.sink.offline.run_folder import RunFolder
from mfwb.snapshot import Loss

__all__ = ["OfflineSession"]


class OfflineSession:
    """Write the W&B runs of one flow run into a bundle."""

    def __init__(
        self,
        plan: Plan,
        bundle: Path,
        checksums: Checksums,
        payloads: NewPayloads,
        *,
        writer: str,
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._start = plan.source.created_at
        self._bundle = bundle
        self._checksums = checksums
        self._payloads = payloads
        self._logged: dict[tuple[WandbRunId, str], pb.ArtifactRecord] = {}
        self._logged_contents: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._producers = Producers()
        self._earlier_runs = find_bundled_runs(bundle, {run.id for run in plan.runs})
        self._first_level = self._find_used_elsewhere()

    def find_existing(self, run: PlannedRun) -> WrittenRun | None:  # noqa: ARG002 - as the other mode has it
        """Return None: the ledger of a bundle records what is complete."""
        return None

    def enqueue(self, run: PlannedRun) -> None:
        """Note that a W&B run will be written; a push decides on the order of versions."""
        self._producers.enqueue(run.id)

    def dequeue(self, run: PlannedRun, *, written: bool) -> None:
        """Note that a W&B run was written, or will not be."""
        self._producers.dequeue(run.id, written=written)

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run, which replaces an earlier one with that id.

        Its `.wandb` file is written last, and appears whole or not at all.
        """
        self._producers.wait(run.inputs)
        with _as_sink_errors(self._bundle):
            return self._write(run, ready)

    def _write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        start = run.started_at if run.started_at is not None else self._start
        level = level_folder(self._bundle, self._first_level + run.level)
        for earlier in self._earlier_runs.get(run.id, ()):
            remove_below(self._bundle, earlier.name)
        folder = RunFolder(self._bundle, level / _folder_name(start, run.id))
        uses, losses = self._find_used(run)
        logged = [self._log(run, folder.copy_into_bundle(artifact)) for artifact in ready.artifacts]
        outputs = tuple(map(self._outcome, ready.artifacts, logged))
        keys = summary_keys(run, ready)
        receipt = Receipt(
            outputs,
            (*ready.losses, *losses),
            uses_of(run, losses),
            keys,
            log_lines=ready.log_lines,
            log_bytes_left_out=ready.log_bytes_left_out,
            masked=ready.masked,
        )
        file_records = [
            *records.opening_records(self._plan, run, start, self._writer),
            *(records.used_artifact(run, record) for record in uses),
            *(pb.Record(artifact=record) for record in logged),
            *_timeline(run, ready, start),
            *self._summary(run, ready, folder, done(run.fingerprint, receipt)),
            records.exit_record(run.exit_code),
        ]
        folder.finish(run.id, records.number_records(run.id, file_records), self._checksums)
        return WrittenRun(
            run.id,
            str(folder.path),
            outputs,
            tuple(losses),
            bytes_written=folder.size() + self._payloads.count_new(ready),
        )

    def update(
        self,
        run: PlannedRun,  # noqa: ARG002 - the same
        existing: WrittenRun,
        rules: Mapping[str, AppliedRule],  # noqa: ARG002
    ) -> WrittenRun:
        """Return the found run: offline there is never one."""
        return existing

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Return no losses: all that was written is on the disk."""
        return {}

    def _find_used_elsewhere(self) -> int:
        """Find the used artifacts of other flow runs in this bundle; return our first level.

        In W&B's files a run can use artifacts of its own project only.
        """
        own_project = project_path(self._plan.entity, self._plan.project)
        used = {
            used_artifact
            for run in self._plan.runs
            for used_artifact in run.inputs
            if used_artifact.place == own_project
        }
        first_level = 0
        bundled_runs = find_bundled_runs(
            self._bundle, {used_artifact.producer for used_artifact in used}
        )
        for run_id, runs in bundled_runs.items():
            for run in runs:
                first_level = max(first_level, run.level + 1)
                for name, record in run.logged().items():
                    if project_path(record.entity, record.project) == own_project:
                        self._logged[run_id, name] = record
        return first_level

    def _find_used(self, run: PlannedRun) -> tuple[list[pb.ArtifactRecord], list[Loss]]:
        uses, losses = [], []
        for used in run.inputs:
            logged = self._logged.get((used.producer, used.name))
            if logged is None:
                own_project = project_path(self._plan.entity, self._plan.project)
                reason = explain_missing_in_bundle(used, own_project)
                losses.append(Loss(use_item(run, used), reason))
            else:
                uses.append(logged)
        return uses, losses

    def _log(self, run: PlannedRun, ready: ReadyArtifact) -> pb.ArtifactRecord:
        planned = ready.planned
        record = records.logged_artifact(
            self._plan, run, draft_artifact(ready, self._start), planned.aliases
        )
        with self._lock:
            self._logged[run.id, planned.name] = record
        return record

    def _outcome(self, ready: ReadyArtifact, logged: pb.ArtifactRecord) -> OutputOutcome:
        content = (logged.name, logged.digest)
        with self._lock:
            is_duplicate = content in self._logged_contents
            self._logged_contents.add(content)
        return OutputOutcome(
            name=logged.name,
            type=logged.type,
            digest=logged.digest,
            size=sum(file.size for file in ready.files),
            files=tuple(file.path for file in ready.files),
            deduplicated=is_duplicate,
            items=ready.planned.items,
            referenced=ready.referenced,
            rules=ready.rule.outcome if ready.rule else None,
        )

    def _summary(
        self, run: PlannedRun, ready: ReadyRun, folder: RunFolder, marker: dict[str, Any]
    ) -> Iterator[pb.Record]:
        """Yield the summary, after the files and tables' artifacts that it refers to."""
        shown = {card.key: add_card(card, folder.files) for card in ready.cards}
        for key, table in tables_of(ready).items():
            artifact = self._table_artifact(run, key, table, folder)
            ids = (artifact.client_id, artifact.sequence_client_id)
            shown[key] = add_table(key, table, folder.files, *ids)
            yield pb.Record(artifact=artifact)
        for preview in file_previews(ready):
            shown[preview.key] = add_preview(preview, folder.files)
        if shown:
            yield records.files_record([path for file in shown.values() for path in file.paths])
        yield records.summary_record(
            {
                **build_summary(run, ready),
                **{key: file.summary_value for key, file in shown.items()},
                **marker,
            }
        )

    def _table_artifact(
        self, run: PlannedRun, key: str, table: ReadyTable, folder: RunFolder
    ) -> pb.ArtifactRecord:
        """Return the artifact that W&B creates for each table, with W&B's name for it."""
        path = folder.new_file(".table.json")
        write_table_artifact(table, path)
        file = ReadyFile(table_file(key), path.stat().st_size, path)
        planned = OutputArtifact("table", type="table", aliases=(), metadata={}, files=())
        # Without metadata, as W&B's own artifact.
        artifact = draft_artifact(ReadyArtifact(planned, (file,)), self._start, metadata={})
        as_ = (table_artifact_name(run.id, key), "run_table")
        return records.logged_artifact(self._plan, run, artifact, (LATEST,), as_=as_)


def _timeline(run: PlannedRun, ready: ReadyRun, start: int) -> Iterator[pb.Record]:
    """Yield the records with a time: start, history and log."""
    if run.started_at is not None:
        yield records.environment_record(run.started_at)
    yield from records.axis_records(ready.axes)
    yield from records.history_records(build_rows(ready), records.row_times(start))
    for text in format_log(ready.log):
        yield records.log_record(text)


@contextmanager
def _as_sink_errors(bundle: Path) -> Iterator[None]:
    """Turn disk errors, and links where none may be, into an error of the flow run."""
    try:
        yield
    except OSError as error:
        raise SinkError(f"the bundle {bundle} can't be written: {error}") from error


def _folder_name(start: int, run_id: WandbRunId) -> str:
    """Return W&B's name for the folder, but with the time of the work."""
    time = datetime.fromtimestamp(start / 1000, tz=timezone.utc)
    return f"offline-run-{time:%Y%m%d_%H%M%S}-{run_id}"
