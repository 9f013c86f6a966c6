"""Files for `wandb sync`, made of a bundle's: what may be sent now, under the id it goes by.

The bundle's own files are left as they are. What is sent lacks three things: the alias `latest`,
which belongs to the newest flow run and not to whoever comes last; the mark of completeness, which
is set when all has arrived; and rows of history that are there, since W&B can only append.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.planning import WandbRunId
from mfwb.sink.content import MARKER
from mfwb.sink.newest import LATEST
from mfwb.sink.push.recorded import RecordedArtifact, RecordedRun
from mfwb.sink.records import client_word
from mfwb.sink.transaction_log import read_records, write_records

__all__ = ["Derivation", "names_under", "write_derived"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """What is to be sent of a W&B run.

    Attributes:
        id: the id that it goes by; another one than recorded if that was deleted.
        first_step: rows of history below are there already.
        without: names and digests of artifacts that it can't use.
    """

    run: RecordedRun
    id: WandbRunId
    first_step: int
    without: Collection[tuple[str, str]] = ()


def names_under(run: RecordedRun, run_id: WandbRunId) -> tuple[RecordedArtifact, ...]:
    """Return what a W&B run logs when it goes by an id, which tables are named after."""
    old = run.title.id
    return tuple(replace(one, name=_renamed(one.name, old, run_id)) for one in run.logged)


def write_derived(what: Derivation, bundle: Path, folder: Path) -> None:
    """Write the folder of an offline W&B run for `wandb sync`.

    Args:
        what: is to be sent.
        bundle: where it is from.
        folder: to be made; media files in it are links.
    """
    original = what.run.title.path
    _link_files(original.parent / "files", folder / "files")
    records = _Derived(what, bundle).records(read_records(original))
    write_records(folder / f"run-{what.id}.wandb", records)


class _Derived:
    def __init__(self, what: Derivation, bundle: Path) -> None:
        self._what = what
        self._bundle = bundle
        self._is_renamed = what.id != what.run.title.id
        self._words: dict[str, str] = {}  # ids of drafts, as they were -> as they are now

    def records(self, original: Iterator[pb.Record]) -> Iterator[pb.Record]:
        """Yield the records that are to be sent."""
        number = 0
        for record in original:
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
            record._info.stream_id = self._what.id  # noqa: SLF001 - a field of the message
            yield record

    def _is_left_out(self, record: pb.Record) -> bool:
        if record.HasField("history"):
            return bool(record.history.step.num < self._what.first_step)
        artifact = record.artifact
        is_use = record.HasField("artifact") and artifact.use_after_commit
        return is_use and (artifact.name, artifact.digest) in self._what.without

    def _change_artifact(self, record: pb.ArtifactRecord) -> None:
        record.run_id = self._what.id
        if self._is_renamed:
            self._rename(record)
        if not record.use_after_commit and record.type != "run_table":
            aliases = [alias for alias in record.aliases if alias != LATEST]
            del record.aliases[:]
            record.aliases.extend(aliases)
        for entry in record.manifest.contents:
            if entry.local_path:
                entry.local_path = str(_found_again(Path(entry.local_path), self._bundle))

    def _rename(self, record: pb.ArtifactRecord) -> None:
        """Make another draft of it: by the id of the old one W&B would find what it became."""
        record.name = _renamed(record.name, self._what.run.title.id, self._what.id)
        for old in (record.client_id, record.sequence_client_id):
            self._words[old] = client_word(f"{old} in {self._what.id}")
        record.client_id = self._words[record.client_id]
        record.sequence_client_id = self._words[record.sequence_client_id]

    def _change_summary(self, summary: pb.SummaryRecord) -> None:
        kept = [item for item in summary.update if item.key != MARKER]
        for item in kept:
            for old, new in self._words.items():
                item.value_json = item.value_json.replace(old, new)
        del summary.update[:]
        summary.update.extend(kept)


def _renamed(name: str, old: WandbRunId, new: WandbRunId) -> str:
    prefix = f"run-{old}-"
    return f"run-{new}-{name.removeprefix(prefix)}" if name.startswith(prefix) else name


def _found_again(path: Path, bundle: Path) -> Path:
    """Return where a file of a bundle is now, which may have been moved since it was written."""
    if path.exists():
        return path
    for place, part in reversed(list(enumerate(path.parts))):
        if part == "payloads" or part.startswith("level-"):
            moved = bundle.joinpath(*path.parts[place:])
            if moved.exists():
                return moved
    return path


def _link_files(source: Path, target: Path) -> None:
    """Show the files of a W&B run in another folder, in which W&B leaves some of its own."""
    target.mkdir(parents=True)
    for path in source.rglob("*"):
        if path.is_file():
            link = target / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
