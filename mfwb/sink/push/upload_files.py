"""Files for `wandb sync`, written from a bundle's files for one upload.

The bundle's own files are not changed. The written files lack three things:

- the alias `latest`, which belongs to the newest flow run and not to the one that is sent last;
- the mark of completeness, which is set when everything has arrived;
- the rows of history that W&B has already, since W&B can only append. If W&B has some rows, the
  missing rows are in a file of their own, which resumes the W&B run: otherwise some servers put new
  rows in the places of the first ones.

The written files name files by the current path of the bundle, and none that is not in the
manifest. They include what others wrote in a W&B run that exists already, since W&B replaces
metadata and summary as a whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.errors import SinkError
from mfwb.files.private_files import create
from mfwb.sink.content.run_content import MARKER, sent
from mfwb.sink.history.rows_file import write_rows
from mfwb.sink.offline.records import add_to_summary, write_run_metadata
from mfwb.sink.offline.wandb_file import write_records
from mfwb.sink.push.original_run import OriginalRun
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.latest_alias import LATEST

__all__ = ["write_upload"]


def write_upload(upload: Upload, folder: Path) -> None:
    """Write an offline W&B run for `wandb sync`; BundleChanged, SinkError.

    If W&B has some rows already, the missing rows are in a folder beside it, which is sent first.

    Args:
        upload: the W&B run.
        folder: the folder to create, in a temporary one.
    """
    upload_records = _UploadRecords(upload)
    (folder / "files").mkdir(parents=True)
    write_records(folder / f"run-{upload.id}.wandb", upload_records.records())
    if upload.has_history and upload.rows_missing:
        _write_missing_rows(upload, folder.with_name(f"{folder.name}-rows"))
    for path in sorted(upload_records.shown):
        _copy_shown_file(upload.run.header.original, path, folder / "files" / path)


def _write_missing_rows(upload: Upload, folder: Path) -> None:
    """Write the folder with missing rows; `wandb sync` sends the folder that began first first."""
    records = []
    run = pb.RunRecord()
    for record in upload.run.header.original.records():
        if record.HasField("run"):
            run_path = {
                "run_id": upload.id,
                "entity": record.run.entity,
                "project": record.run.project,
            }
            run = pb.RunRecord(**run_path)
            run.start_time.FromMilliseconds(record.run.start_time.ToMilliseconds() - 1000)
        elif record.HasField("exit") or (
            record.HasField("history") and record.history.step.num in upload.rows_missing
        ):
            records.append(record)
    write_rows(folder, run, records, upload.others)


class _UploadRecords:
    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._original = upload.run.header.original
        self.shown: set[str] = set()  # files that are sent with the records
        self._is_renamed = upload.id != upload.run.header.id
        self._draft_ids: dict[str, str] = {}  # of the bundle -> of this upload

    def records(self) -> Iterator[pb.Record]:
        """Yield the records to send."""
        number = 0
        for record in self._original.records():
            if self._is_excluded(record):
                continue
            number += 1
            record.num = number
            if record.HasField("artifact"):
                self._change_artifact(record.artifact)
            elif record.HasField("summary"):
                self._change_summary(record.summary)
            elif record.HasField("run"):
                record.run.run_id = self._upload.id
                if self._upload.run_metadata is not None:
                    write_run_metadata(record.run, self._upload.run_metadata)
            elif record.HasField("files"):
                self.shown.update(file.path for file in record.files.files)
            record._info.stream_id = self._upload.id  # noqa: SLF001 - a field of the message
            yield record

    def _is_excluded(self, record: pb.Record) -> bool:
        if record.HasField("history"):
            return self._upload.has_history
        artifact = record.artifact
        is_use = record.HasField("artifact") and artifact.use_after_commit
        return is_use and (artifact.name, artifact.digest) in self._upload.unavailable

    def _change_artifact(self, record: pb.ArtifactRecord) -> None:
        if (record.name, record.digest) in self._upload.uncommitted:
            record.finalize = record.use_after_commit  # uses commit nothing
        record.run_id = self._upload.id
        record.name = self._upload.artifact_name(record.name, record.type)
        if self._is_renamed:
            self._renew_draft_ids(record)
        if not record.use_after_commit and record.type != "run_table":
            aliases = [alias for alias in record.aliases if alias != LATEST]
            del record.aliases[:]
            record.aliases.extend(aliases)
        for entry in record.manifest.contents:
            if entry.local_path:
                entry.local_path = str(self._path_of(entry.local_path))
                entry.skip_cache = True

    def _path_of(self, local_path: str) -> Path:
        name = self._original.manifest.path_in_bundle(local_path)
        if name is None:
            raise self._original.changed(f"{local_path} is not in its manifest")
        return self._original.path_of(name)

    def _renew_draft_ids(self, record: pb.ArtifactRecord) -> None:
        """Give an artifact new draft ids."""
        for old in (record.client_id, record.sequence_client_id):
            self._draft_ids[old] = self._upload.draft_id(old)
        record.client_id = self._draft_ids[record.client_id]
        record.sequence_client_id = self._draft_ids[record.sequence_client_id]

    def _change_summary(self, summary: pb.SummaryRecord) -> None:
        kept = [item for item in summary.update if item.key != MARKER]
        for item in kept:
            for old, new in self._draft_ids.items():
                item.value_json = item.value_json.replace(old, new)
        del summary.update[:]
        summary.update.extend(kept)
        add_to_summary(summary, {**self._upload.others, **sent(self._upload.token)})


def _copy_shown_file(original: OriginalRun, path: str, target: Path) -> None:
    """Copy a file of a W&B run into another folder, since W&B adds files of its own there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with original.open(f"{original.files}/{path}") as source, create(target) as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise SinkError(f"{path} can't be copied: {error}") from error
