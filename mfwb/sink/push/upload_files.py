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
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.errors import SinkError
from mfwb.files.private_files import create
from mfwb.planning import WandbRunId
from mfwb.sink.content.run_content import MARKER, sent
from mfwb.sink.content.run_metadata import RunMetadata
from mfwb.sink.history.rows_file import write_rows
from mfwb.sink.offline.records import add_to_summary, make_draft_id, write_run_metadata
from mfwb.sink.offline.wandb_file import write_records
from mfwb.sink.push.bundle_run import RecordedArtifact, RecordedRun
from mfwb.sink.push.original_run import Original
from mfwb.sink.server.latest_alias import LATEST

__all__ = ["Derivation", "write_derived"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """What is to be sent of a W&B run.

    Attributes:
        id: the id that it goes by; another one than recorded if that was deleted.
        token: by which its summary is known for that of this push.
        goes_on: whether it has some history, behind which the rest is written.
        rows_missing: steps whose rows are not in that.
        without: artifacts that it can't use, by name and digest: why.
        for_now: those of them that another push may find.
        names: what artifacts are called in this project that can't keep their names, by name and
            type.
        run_metadata: what it is to say where somebody has written in it; None: what is recorded.
        others: what others wrote into its summary.
    """

    run: RecordedRun
    id: WandbRunId
    token: str
    goes_on: bool = False
    rows_missing: Collection[int] = ()
    without: Mapping[tuple[str, str], str] = field(default_factory=dict)
    for_now: Collection[tuple[str, str]] = ()
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    run_metadata: RunMetadata | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    def called(self, name: str, type_: str) -> str:
        """Return what an artifact is called in W&B."""
        name = self.names.get((name, type_), name)
        return _renamed(name, self.run.title.id, self.id)  # as tables are named after the id

    def as_called(self, artifact: RecordedArtifact) -> RecordedArtifact:
        """Return an artifact by the name that it has in W&B."""
        return replace(artifact, name=self.called(artifact.name, artifact.type))


def write_derived(what: Derivation, folder: Path) -> None:
    """Write an offline W&B run for `wandb sync`; BundleChanged, SinkError.

    Rows that are missing of a W&B run that has some are in a folder beside it, which is sent first.

    Args:
        what: is to be sent.
        folder: to be made, among temporary ones.
    """
    derived = _Derived(what)
    (folder / "files").mkdir(parents=True)
    write_records(folder / f"run-{what.id}.wandb", derived.records())
    if what.goes_on and what.rows_missing:
        _write_missing_rows(what, folder.with_name(f"{folder.name}-rows"))
    for path in sorted(derived.shown):
        _show(what.run.title.original, path, folder / "files" / path)


def _write_missing_rows(what: Derivation, folder: Path) -> None:
    """Write the folder that puts rows into a history; `wandb sync` sends what began first first."""
    said = []
    run = pb.RunRecord()
    for record in what.run.title.original.records():
        if record.HasField("run"):
            place = {"run_id": what.id, "entity": record.run.entity, "project": record.run.project}
            run = pb.RunRecord(**place)
            run.start_time.FromMilliseconds(record.run.start_time.ToMilliseconds() - 1000)
        elif record.HasField("exit") or (
            record.HasField("history") and record.history.step.num in what.rows_missing
        ):
            said.append(record)
    write_rows(folder, run, said, what.others)


class _Derived:
    def __init__(self, what: Derivation) -> None:
        self._what = what
        self._original = what.run.title.original
        self.shown: set[str] = set()  # files that go with it
        self._is_renamed = what.id != what.run.title.id
        self._merged_metadata: dict[str, str] = {}  # ids of drafts, as they were -> as they are now

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
                record.run.run_id = self._what.id
                if self._what.run_metadata is not None:
                    write_run_metadata(record.run, self._what.run_metadata)
            elif record.HasField("files"):
                self.shown.update(one.path for one in record.files.files)
            record._info.stream_id = self._what.id  # noqa: SLF001 - a field of the message
            yield record

    def _is_left_out(self, record: pb.Record) -> bool:
        if record.HasField("history"):
            return self._what.goes_on
        artifact = record.artifact
        is_use = record.HasField("artifact") and artifact.use_after_commit
        return is_use and (artifact.name, artifact.digest) in self._what.without

    def _change_artifact(self, record: pb.ArtifactRecord) -> None:
        record.run_id = self._what.id
        record.name = self._what.called(record.name, record.type)
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
        name = self._original.manifest.path_in_bundle(local_path)
        if name is None:
            raise self._original.changed(f"{local_path} is not in its manifest")
        return self._original.path_of(name)

    def _draft_anew(self, record: pb.ArtifactRecord) -> None:
        """Make another draft of it: by the id of the old one W&B would find what it became."""
        for old in (record.client_id, record.sequence_client_id):
            self._merged_metadata[old] = make_draft_id(f"{old} in {self._what.id}")
        record.client_id = self._merged_metadata[record.client_id]
        record.sequence_client_id = self._merged_metadata[record.sequence_client_id]

    def _change_summary(self, summary: pb.SummaryRecord) -> None:
        kept = [item for item in summary.update if item.key != MARKER]
        for item in kept:
            for old, new in self._merged_metadata.items():
                item.value_json = item.value_json.replace(old, new)
        del summary.update[:]
        summary.update.extend(kept)
        add_to_summary(summary, {**self._what.others, **sent(self._what.token)})


def _renamed(name: str, old: WandbRunId, new: WandbRunId) -> str:
    prefix = f"run-{old}-"
    return f"run-{new}-{name.removeprefix(prefix)}" if name.startswith(prefix) else name


def _show(original: Original, path: str, target: Path) -> None:
    """Have a file of a W&B run in another folder, in which W&B leaves some of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with original.open(f"{original.files}/{path}") as source, create(target) as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise SinkError(f"{path} can't be copied: {error}") from error
