"""Damage to a bundle before its push: to its `.wandb` files, and to the files of artifacts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

from mfwb.sink.offline.wandb_file import write_records
from mfwb.verification.recorded_offline.wandb_file import read_wandb_file
from tests.integration.verification.damages.cases import Found

__all__ = ["BUNDLES", "Bundle", "BundleCase"]


@dataclass(frozen=True)
class Bundle:
    """A bundle that is damaged."""

    folder: Path

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let all damages within go away at the end."""
        kept = self.folder.with_name("kept")
        shutil.copytree(self.folder, kept, symlinks=True)
        try:
            yield
        finally:
            shutil.rmtree(self.folder)
            kept.rename(self.folder)

    def fingerprint(self) -> dict[str, bytes]:
        """Return all files."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def run(self, step: str) -> Path:
        """Return the folder of a W&B run."""
        return next(self.folder.glob(f"level-*/wandb/offline-run-*-{step}-*"))

    def file(self, step: str) -> Path:
        """Return the `.wandb` file of a W&B run."""
        return next(self.run(step).glob("run-*.wandb"))

    def edit(self, step: str, change: Callable[[list[Record]], Any]) -> None:
        """Write the records of a W&B run anew."""
        with self.file(step).open("rb") as file:
            records = list(read_wandb_file(file))
        change(records)
        write_records(self.file(step), records)

    def payload(self, step: str, artifact: str) -> Path:
        """Return the first file of an artifact."""
        with self.file(step).open("rb") as file:
            records = list(read_wandb_file(file))
        [path] = [
            record.artifact.manifest.contents[0].local_path
            for record in records
            if record.artifact.name == artifact and not record.artifact.use_after_commit
        ]
        return self.folder / "payloads" / str(path).rpartition("/payloads/")[2]


@dataclass(frozen=True)
class BundleCase:
    """A way to damage a bundle, and exactly what a verification finds."""

    damage: Callable[[Bundle], object]
    found: tuple[Found, ...]

    @property
    def name(self) -> str:
        """In plain words."""
        return self.damage.__name__.replace("_", " ")


BUNDLES: list[BundleCase] = []


def _case(
    *found: Found,
) -> Callable[[Callable[[Bundle], object]], Callable[[Bundle], object]]:
    def add(damage: Callable[[Bundle], object]) -> Callable[[Bundle], object]:
        BUNDLES.append(BundleCase(damage, found))
        return damage

    return add


@_case(Found("run", "gather W&B run", "a checksum is wrong"))
def flip_a_byte_of_a_file_of_records(bundle: Bundle) -> None:
    """In its middle."""
    data = bytearray(bundle.file("gather").read_bytes())
    data[len(data) // 2] ^= 1
    bundle.file("gather").write_bytes(data)


@_case(Found("run", "gather W&B run", "cut off"))
def cut_a_file_of_records(bundle: Bundle) -> None:
    """By its last byte."""
    path = bundle.file("gather")
    path.write_bytes(path.read_bytes()[:-1])


@_case(Found("state", "gather state", "cut, or still goes on"))
def drop_the_record_of_the_end(bundle: Bundle) -> None:
    """As if the writer had been killed."""
    bundle.edit("gather", lambda records: _drop(records, "exit"))


@_case(Found("history", "gather history.scores in 2 rows, as in row 0", "lost"))
def drop_the_history(bundle: Bundle) -> None:
    """All rows."""
    bundle.edit("gather", lambda records: _drop(records, "history"))


@_case(Found("log", "start log, 3 lines that W&B does not have", "cut"))
def drop_the_log(bundle: Bundle) -> None:
    """All lines."""
    bundle.edit("start", lambda records: _drop(records, "output_logger"))


@_case(Found("artifact", "end artifact total", "deleted"))
def drop_an_artifact(bundle: Bundle) -> None:
    """That the W&B run logs."""
    bundle.edit("end", lambda records: _drop_artifact(records, "total"))


@_case(Found("edge", "end uses frame of {run start}", "removed"))
def drop_a_use_of_a_bundle(bundle: Bundle) -> None:
    """That the W&B run has."""
    bundle.edit("end", lambda records: _drop_artifact(records, "frame", is_use=True))


@_case(Found("summary", "start summary.count", "edited"))
def change_a_value_of_a_bundle(bundle: Bundle) -> None:
    """Of the summary."""

    def change(records: list[Record]) -> None:
        for record in records:
            for item in record.summary.update:
                if (item.key or item.nested_key[0]) == "count":
                    item.value_json = "4"

    bundle.edit("start", change)


@_case(Found("config", "start config.rate", "edited"))
def change_a_parameter_of_a_bundle(bundle: Bundle) -> None:
    """In the record of the W&B run, or in one of its config."""

    def change(records: list[Record]) -> None:
        for record in records:
            for item in (*record.run.config.update, *record.config.update):
                if (item.key or item.nested_key[0]) == "rate":
                    item.value_json = json.dumps(0.25)

    bundle.edit("start", change)


@_case(
    Found("file", "start artifact pattern, file pattern.pkl", "damaged"),
    Found("digest", "start artifact pattern, digest of its files", "damaged"),
)
def change_a_file_of_an_artifact(bundle: Bundle) -> None:
    """Its size stays."""
    path = bundle.payload("start", "pattern")
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@_case(Found("digest", "end artifact total, digest of its files", "damaged"))
def change_a_table_of_an_artifact(bundle: Bundle) -> None:
    """What it should be is not known without reading it; but its checksum was recorded."""
    path = bundle.payload("end", "total")
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@_case(Found("file", "start artifact pattern, file pattern.pkl", "removed"))
def remove_a_file_of_an_artifact(bundle: Bundle) -> None:
    """The record names it still."""
    bundle.payload("start", "pattern").unlink()


@_case(
    Found("file", "each artifact part, files of {each 1}", "missing"),
    Found("digest", "each artifact part, digest of its files", "damaged"),
)
def drop_a_file_of_a_manifest(bundle: Bundle) -> None:
    """In the record of the artifact."""

    def change(records: list[Record]) -> None:
        for record in records:
            if record.artifact.name == "part" and not record.artifact.use_after_commit:
                contents = record.artifact.manifest.contents
                kept = [content for content in contents if content.path != "1/part.parquet"]
                del contents[:]
                contents.extend(kept)

    bundle.edit("each", change)


@_case(Found("panel", "each summary.card/0/blank, its file", "deleted"))
def remove_a_card_of_a_bundle(bundle: Bundle) -> None:
    """Its file."""
    next(bundle.run("each").glob("files/media/html/card/0/*")).unlink()


@_case(Found("run", "gather W&B run", "never written"))
def remove_a_run_of_a_bundle(bundle: Bundle) -> None:
    """Its folder."""
    shutil.rmtree(bundle.run("gather"))


@_case(Found("tags", "gather tags", "removed"))
def remove_a_tag_of_a_bundle(bundle: Bundle) -> None:
    """In the record of the W&B run."""

    def change(records: list[Record]) -> None:
        for record in records:
            if record.WhichOneof("record_type") == "run":
                del record.run.tags[:]

    bundle.edit("gather", change)


def _drop(records: list[Record], kind: str) -> None:
    records[:] = [record for record in records if record.WhichOneof("record_type") != kind]


def _drop_artifact(records: list[Record], name: str, *, is_use: bool = False) -> None:
    records[:] = [
        record
        for record in records
        if record.artifact.name != name or record.artifact.use_after_commit is not is_use
    ]
