"""Ways in which somebody may change a bundle; with a manifest that is made to fit, or without."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline.wandb_file import read_records, write_records

__all__ = ["SECRET", "TAMPERINGS", "Victim"]

SECRET = b"the secret of the machine that pushes\n"


@dataclass(frozen=True)
class Victim:
    """A bundle that is changed, and a file beside it that nobody else may see."""

    bundle: Path
    secret: Path

    def run(self, step: str = "start") -> Path:
        """Return the folder of a W&B run."""
        return next(self.bundle.glob(f"level-*/wandb/offline-run-*-{step}-*"))

    @property
    def file(self) -> Path:
        """The `.wandb` file of the first step."""
        return next(self.run().glob("run-*.wandb"))

    def payload(self, name: str = "words") -> Path:
        """Return the only file of an artifact of the first step, where it lies in the bundle."""
        entry = self.artifact(list(read_records(self.file, pb.Record)), name).manifest.contents[0]
        path = str(entry.local_path)
        return self.bundle / "payloads" / path.rpartition("/payloads/")[2]

    def artifact(self, records: list[pb.Record], name: str = "words") -> pb.ArtifactRecord:
        """Return an artifact of those that records log."""
        return next(record.artifact for record in records if record.artifact.name == name)

    def edit(self, change: Callable[[list[pb.Record]], Any], *, sign: bool = True) -> None:
        """Change records of the first step; with `sign`, the manifest is made to fit."""
        records = list(read_records(self.file, pb.Record))
        change(records)
        write_records(self.file, records)
        if sign:
            self.sign()

    def sign(self, *more: str, without: str = "", **fields: Any) -> None:
        """Make the manifest of the first step fit what is there, as if mfwb had written that.

        Args:
            *more: paths of files that are to be in it, too.
            without: a path that is not to be in it any more.
            **fields: of the manifest, that are to be otherwise.
        """
        path = self.run() / "manifest.json"
        document = json.loads(path.read_bytes())
        names = {*document["files"], *more} - {without}
        files = {}
        for name in sorted(names):
            data = (self.bundle / name).read_bytes()
            files[name] = [len(data), hashlib.sha256(data).hexdigest()]
        path.write_text(json.dumps({**document, "files": files, **fields}), encoding="utf-8")

    def name(self, path: Path) -> str:
        """Return a path from the bundle."""
        return os.path.relpath(path, self.bundle)


def _names(path: str | Path, *, sign: bool = True) -> Callable[[Victim], None]:
    """Have a record name another file than that of its artifact."""

    def tamper(victim: Victim) -> None:
        local = str(path).format(secret=victim.secret, bundle=victim.bundle)

        def change(records: list[pb.Record]) -> None:
            victim.artifact(records).manifest.contents[0].local_path = local

        victim.edit(change, sign=sign)

    return tamper


def _record(change: Callable[[Victim, list[pb.Record]], Any]) -> Callable[[Victim], None]:
    """Change records, and make the manifest fit."""
    return lambda victim: victim.edit(lambda records: change(victim, records))


def _adds(record: Callable[[Victim], pb.Record]) -> Callable[[Victim], None]:
    """Put a record before the last one."""
    return _record(lambda victim, records: records.insert(-1, record(victim)))


def _run_record(records: list[pb.Record]) -> pb.RunRecord:
    return next(record.run for record in records if record.HasField("run"))


def _payload(change: Callable[[Victim, Path], Any], *, sign: bool) -> Callable[[Victim], None]:
    """Do something to a file that is uploaded."""

    def tamper(victim: Victim) -> None:
        change(victim, victim.payload())
        if sign:
            victim.sign()

    return tamper


def _link(victim: Victim, path: Path) -> None:
    path.unlink()
    path.symlink_to(victim.secret)


def _link_of_a_folder(victim: Victim, path: Path) -> None:
    folder = path.parent
    folder.rename(victim.secret.parent / "moved")
    folder.symlink_to(victim.secret.parent / "moved")


def _link_of_payloads(victim: Victim, _: Path) -> None:
    (victim.bundle / "payloads").rename(victim.secret.parent / "moved")
    (victim.bundle / "payloads").symlink_to(victim.secret.parent / "moved")


def _fifo(_: Victim, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _content_of_another(victim: Victim, path: Path) -> None:
    path.write_bytes(victim.payload("frame").read_bytes())


def _card(victim: Victim) -> Path:
    return next(path for path in (victim.run() / "files").rglob("*") if path.is_file())


def _shown_link(victim: Victim) -> None:
    _link(victim, _card(victim))
    victim.sign()


def _shown_change(victim: Victim) -> None:
    _card(victim).write_bytes(b"<script>")


def _shown_link_of_files(victim: Victim) -> None:
    files = victim.run() / "files"
    files.rename(victim.secret.parent / "files")
    files.symlink_to(victim.secret.parent / "files")
    victim.sign()


def _shows(path: str) -> Callable[[Victim], None]:
    """Have the W&B run show a file; the manifest says what lies there."""

    def tamper(victim: Victim) -> None:
        shown = path.format(secret=victim.secret)
        record = pb.Record(files=pb.FilesRecord(files=[pb.FilesItem(path=shown)]))
        victim.edit(lambda records: records.insert(-1, record), sign=False)
        victim.sign(victim.name(victim.run() / "files" / shown))

    return tamper


def _listed(path: str) -> Callable[[Victim], None]:
    """Have record and manifest agree on a file that lies elsewhere."""

    def tamper(victim: Victim) -> None:
        name = path.format(secret=victim.secret, up=victim.name(victim.secret))
        base = json.loads((victim.run() / "manifest.json").read_bytes())["bundle"]

        def change(records: list[pb.Record]) -> None:
            victim.artifact(records).manifest.contents[0].local_path = f"{base}/{name}"

        victim.edit(change, sign=False)
        victim.sign(name)

    return tamper


def _other_base(victim: Victim) -> None:
    def change(records: list[pb.Record]) -> None:
        victim.artifact(records).manifest.contents[0].local_path = str(victim.secret)

    victim.edit(change, sign=False)
    victim.sign(bundle=str(victim.secret.parent))


def _manifest(text: str | bytes) -> Callable[[Victim], None]:
    def tamper(victim: Victim) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (victim.run() / "manifest.json").write_bytes(data)

    return tamper


def _manifest_link(victim: Victim) -> None:
    manifest = victim.run() / "manifest.json"
    shutil.copy(manifest, victim.secret.parent / "copy.json")
    manifest.unlink()
    manifest.symlink_to(victim.secret.parent / "copy.json")


def _manifest_fifo(victim: Victim) -> None:
    (victim.run() / "manifest.json").unlink()
    os.mkfifo(victim.run() / "manifest.json")


def _two_manifests(victim: Victim) -> None:
    victim.payload().write_bytes(b"other words\n")
    victim.sign()


def _folder_link(victim: Victim) -> None:
    run = victim.run()
    run.rename(victim.secret.parent / run.name)
    run.symlink_to(victim.secret.parent / run.name)


def _level_link(victim: Victim) -> None:
    level = victim.run().parent.parent
    level.rename(victim.secret.parent / level.name)
    level.symlink_to(victim.secret.parent / level.name)


def _file_link(victim: Victim) -> None:
    file = victim.file
    file.rename(victim.secret.parent / file.name)
    file.symlink_to(victim.secret.parent / file.name)


def _manifest_file(victim: Victim, records: list[pb.Record]) -> None:
    victim.artifact(records).manifest.manifest_file_path = str(victim.secret)


def _both(victim: Victim, records: list[pb.Record]) -> None:
    victim.artifact(records).manifest.contents[0].ref = f"file://{victim.secret}"


def _born_elsewhere(victim: Victim, records: list[pb.Record]) -> None:
    victim.artifact(records).manifest.contents[0].birth_artifact_id = "QXJ0aWZhY3Q6MQ=="


def _second_run(_: Victim, records: list[pb.Record]) -> None:
    other = pb.Record()
    other.CopyFrom(next(record for record in records if record.HasField("run")))
    other.run.entity = "mallory"
    records.insert(3, other)


def _other_entity(victim: Victim, records: list[pb.Record]) -> None:
    victim.artifact(records).entity = "mallory"


def _deep_config(_: Victim, records: list[pb.Record]) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    _run_record(records).config.update.add(key="deep", value_json=deep)


def _mark_of_another_type(_: Victim, records: list[pb.Record]) -> None:
    for item in _run_record(records).config.update:
        if item.key == "mfwb":
            item.value_json = '["source"]'


def _setting(_: Victim, records: list[pb.Record]) -> None:
    item = _run_record(records).settings.item.add()
    item.key, item.value_json = "base_url", '"https://example.com"'


def _resumed(_: Victim, records: list[pb.Record]) -> None:
    _run_record(records).resumed = True


def _truncated(victim: Victim) -> None:
    victim.file.write_bytes(victim.file.read_bytes()[:-20])


def _no_framing(victim: Victim) -> None:
    victim.file.write_bytes(b":W&B\xe1\xbe\x00" + os.urandom(70_000))
    victim.sign()


def _job(_: Victim) -> pb.Record:
    return pb.Record(use_artifact=pb.UseArtifactRecord(id="1", type="job", name="job"))


TAMPERINGS: dict[str, Callable[[Victim], None]] = {
    "a record names a file": _names("{secret}", sign=False),
    "a record names a file, and the manifest fits": _names("{secret}"),
    "a record names a file by a detour": _names("{bundle}/payloads/../../secret.txt"),
    "a record names a file as a URI": _names("file://{secret}"),
    "a record names the ledger": _names("{bundle}/ledger.sqlite"),
    "the manifest lists a detour": _listed("{up}"),
    "the manifest lists a detour from inside": _listed("payloads/../{up}"),
    "the manifest lists an absolute path": _listed("{secret}"),
    "the manifest says that the bundle was elsewhere": _other_base,
    "a payload is a link": _payload(_link, sign=False),
    "a payload is a link, and the manifest fits": _payload(_link, sign=True),
    "a folder of payloads is a link": _payload(_link_of_a_folder, sign=True),
    "all payloads are behind a link": _payload(_link_of_payloads, sign=True),
    "a payload is a pipe": _payload(_fifo, sign=False),
    "a payload was changed": _payload(lambda _, path: path.write_bytes(b"other"), sign=False),
    "a payload has another one's content": _payload(_content_of_another, sign=False),
    "a payload is longer": _payload(
        lambda _, path: path.write_bytes(path.read_bytes() + b"\n"), sign=False
    ),
    "a payload is gone": _payload(lambda _, path: path.unlink(), sign=False),
    "a shown file is a link, and the manifest fits": _shown_link,
    "the shown files are behind a link": _shown_link_of_files,
    "a shown file was changed": _shown_change,
    "it shows a file by a detour": _shows("media/../../../../../../secret.txt"),
    "it shows a file by its path": _shows("{secret}"),
    "no manifest": lambda victim: (victim.run() / "manifest.json").unlink(),
    "an empty manifest": _manifest(""),
    "a manifest of nothing": _manifest('{"version": 1, "bundle": "/", "files": {}}'),
    "a manifest of another version": _manifest('{"version": 2, "bundle": "/", "files": {}}'),
    "a manifest of other types": _manifest('{"version": 1, "bundle": "/", "files": {"a": "b"}}'),
    "a manifest without an end": _manifest("[" * 1_000_000),
    "a manifest that is no text": _manifest(b"\xff\x00" * 100),
    "the manifest is a link": _manifest_link,
    "the manifest is a pipe": _manifest_fifo,
    "the folder of a W&B run is a link": _folder_link,
    "a level is a link": _level_link,
    "a .wandb file is a link": _file_link,
    "a .wandb file breaks off": _truncated,
    "a .wandb file is noise": _no_framing,
    "a manifest in another file": _record(_manifest_file),
    "a file that is a reference, too": _record(_both),
    "a file of another artifact": _record(_born_elsewhere),
    "a second W&B run": _record(_second_run),
    "an artifact of another entity": _record(_other_entity),
    "a deep config": _record(_deep_config),
    "a mark of another type": _record(_mark_of_another_type),
    "settings": _record(_setting),
    "a resumed run": _record(_resumed),
    "a job": _adds(_job),
    "an alert": _adds(lambda _: pb.Record(alert=pb.AlertRecord(title="t", text="t"))),
    "a request": _adds(
        lambda _: pb.Record(request=pb.Request(link_artifact=pb.LinkArtifactRequest()))
    ),
    "a metric": _adds(lambda _: pb.Record(metric=pb.MetricRecord(name="m"))),
    "output": _adds(lambda _: pb.Record(output=pb.OutputRecord(line="l"))),
    "a TensorBoard folder": _adds(
        lambda victim: pb.Record(tbrecord=pb.TBRecord(log_dir=str(victim.secret.parent), save=True))
    ),
}
"""Each is to end a push before anything is sent."""
