"""Files for `wandb sync`, made of a bundle's: what may be sent now, under the names it goes by.

The bundle's own files are left as they are. What is sent lacks three things: the alias `latest`,
which belongs to the newest flow run and not to whoever comes last; the mark of completeness, which
is set when all has arrived; and rows of history that are there, since W&B can only append. Where
there are some, those that are missing go in a file of their own, which goes on with the W&B run:
else some servers put new rows in the places of the first ones. What is sent names files where the
bundle is now, and none that is not in the manifest. What others wrote in a W&B run that is there
already it has in addition, since W&B replaces words and summary as a whole.
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
from mfwb.sink.offline.records import client_word, say_in_summary, say_words
from mfwb.sink.offline.wandb_file import write_records
from mfwb.sink.push.original_run import OriginalRun
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.latest_alias import LATEST

__all__ = ["write_upload"]


def write_upload(upload: Upload, folder: Path) -> None:
    """Write an offline W&B run for `wandb sync`; BundleChanged, SinkError.

    Rows that are missing of a W&B run that has some are in a folder beside it, which is sent first.

    Args:
        upload: the W&B run.
        folder: to be made, among temporary ones.
    """
    upload_records = _UploadRecords(upload)
    (folder / "files").mkdir(parents=True)
    write_records(folder / f"run-{upload.id}.wandb", upload_records.records())
    if upload.has_history and upload.rows_missing:
        _write_missing_rows(upload, folder.with_name(f"{folder.name}-rows"))
    for path in sorted(upload_records.shown):
        _show(upload.run.header.original, path, folder / "files" / path)


def _write_missing_rows(upload: Upload, folder: Path) -> None:
    """Write the folder that puts rows into a history; `wandb sync` sends what began first first."""
    said = []
    run = pb.RunRecord()
    for record in upload.run.header.original.records():
        if record.HasField("run"):
            place = {
                "run_id": upload.id,
                "entity": record.run.entity,
                "project": record.run.project,
            }
            run = pb.RunRecord(**place)
            run.start_time.FromMilliseconds(record.run.start_time.ToMilliseconds() - 1000)
        elif record.HasField("exit") or (
            record.HasField("history") and record.history.step.num in upload.rows_missing
        ):
            said.append(record)
    write_rows(folder, run, said, upload.others)


class _UploadRecords:
    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._original = upload.run.header.original
        self.shown: set[str] = set()  # files that go with it
        self._is_renamed = upload.id != upload.run.header.id
        self._words: dict[str, str] = {}  # ids of drafts, as they were -> as they are now

    def records(self) -> Iterator[pb.Record]:
        """Yield the records that are to be sent."""
        number = 0
        for record in self._original.records():
            if self._is_left_out(record):
                continue
            number += 1
            record.num = number
            if record.HasField("artifact"):
                self._change_artifact(record.artifact)
            elif record.HasField("summary"):
                self._change_summary(record.summary)
            elif record.HasField("run"):
                record.run.run_id = self._upload.id
                if self._upload.words is not None:
                    say_words(record.run, self._upload.words)
            elif record.HasField("files"):
                self.shown.update(one.path for one in record.files.files)
            record._info.stream_id = self._upload.id  # noqa: SLF001 - a field of the message
            yield record

    def _is_left_out(self, record: pb.Record) -> bool:
        if record.HasField("history"):
            return self._upload.has_history
        artifact = record.artifact
        is_use = record.HasField("artifact") and artifact.use_after_commit
        return is_use and (artifact.name, artifact.digest) in self._upload.without

    def _change_artifact(self, record: pb.ArtifactRecord) -> None:
        record.run_id = self._upload.id
        record.name = self._upload.artifact_name(record.name, record.type)
        if self._is_renamed:
            self._draft_anew(record)
        if not record.use_after_commit and record.type != "run_table":
            aliases = [alias for alias in record.aliases if alias != LATEST]
            del record.aliases[:]
            record.aliases.extend(aliases)
        for entry in record.manifest.contents:
            if entry.local_path:
                entry.local_path = str(self._path_of(entry.local_path))
                entry.skip_cache = True

    def _path_of(self, local_path: str) -> Path:
        name = self._original.manifest.named(local_path)
        if name is None:
            raise self._original.changed(f"{local_path} is not in its manifest")
        return self._original.path_of(name)

    def _draft_anew(self, record: pb.ArtifactRecord) -> None:
        """Make another draft of it: by the id of the old one W&B would find what it became."""
        for old in (record.client_id, record.sequence_client_id):
            self._words[old] = client_word(f"{old} in {self._upload.id}")
        record.client_id = self._words[record.client_id]
        record.sequence_client_id = self._words[record.sequence_client_id]

    def _change_summary(self, summary: pb.SummaryRecord) -> None:
        kept = [item for item in summary.update if item.key != MARKER]
        for item in kept:
            for old, new in self._words.items():
                item.value_json = item.value_json.replace(old, new)
        del summary.update[:]
        summary.update.extend(kept)
        say_in_summary(summary, {**self._upload.others, **sent(self._upload.token)})


def _show(original: OriginalRun, path: str, target: Path) -> None:
    """Have a file of a W&B run in another folder, in which W&B leaves some of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with original.open(f"{original.files}/{path}") as source, create(target) as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise SinkError(f"{path} can't be copied: {error}") from error
