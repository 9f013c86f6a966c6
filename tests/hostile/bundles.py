"""Bundles of offline syncs that somebody changed before they were pushed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import ArtifactManifestEntry, Record

from tests.hostile import wandb_file
from tests.hostile.scene import Scene
from tests.hostile.stored_run import make_pipe

__all__ = ["ALL", "BundleCase"]

Change = Callable[[Path, Scene], None]


@dataclass(frozen=True)
class BundleCase:
    """A way to change a bundle.

    Attributes:
        story: what is tried, in a sentence.
        change: does it.
        refused: whether the push has to end before anything is sent.
        sampled: whether `make test` has it.
    """

    name: str
    story: str
    change: Change
    refused: bool
    sampled: bool


ALL: dict[str, BundleCase] = {}


def _bundle(*, refused: bool = True, sampled: bool = False) -> Callable[[Change], Change]:
    """Return a decorator that adds a function to the list."""

    def add(change: Change) -> Change:
        function = getattr(change, "__name__", "")
        name = function.replace("_", "-")
        ALL[name] = BundleCase(name, change.__doc__ or "", change, refused, sampled)
        return change

    return add


def _records(bundle: Path) -> list[Path]:
    return sorted(bundle.rglob("*.wandb"))


def _first(bundle: Path) -> Path:
    """Return the records of the step that logs most."""
    return next(path for path in _records(bundle) if "-start-" in path.name)


def _edit(bundle: Path, change: Callable[[Record], object]) -> None:
    for path in _records(bundle):
        wandb_file.edit(path, change)


def _entries(record: Record) -> list[ArtifactManifestEntry]:
    if not record.HasField("artifact"):
        return []
    return list(record.artifact.manifest.contents)


def _rename(entry: ArtifactManifestEntry, path: Path) -> None:
    """Let an entry be a file, size and digest included."""
    data = path.read_bytes()
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    entry.local_path, entry.size = str(path), len(data)
    entry.digest = base64.b64encode(digest).decode()


@_bundle(sampled=True)
def path_of_a_secret(bundle: Path, scene: Scene) -> None:
    """Records say that the files of an artifact are the user's."""

    def change(record: Record) -> None:
        for entry in _entries(record):
            _rename(entry, scene.netrc)

    _edit(bundle, change)


@_bundle()
def path_only(bundle: Path, scene: Scene) -> None:
    """Records say so, with size and digest of the honest file."""

    def change(record: Record) -> None:
        for entry in _entries(record):
            entry.local_path = str(scene.docker)

    _edit(bundle, change)


@_bundle()
def path_by_parents(bundle: Path, scene: Scene) -> None:
    """Records say so by `..`, from within the bundle."""

    def change(record: Record) -> None:
        for entry in _entries(record):
            _rename(entry, scene.netrc)
            entry.local_path = f"{bundle}/payloads/../../home/.netrc"

    _edit(bundle, change)


@_bundle()
def path_of_a_process(bundle: Path, _: Scene) -> None:
    """Records name the environment of the process that pushes."""

    def change(record: Record) -> None:
        for entry in _entries(record):
            entry.local_path = "/proc/self/environ"

    _edit(bundle, change)


@_bundle()
def path_of_a_pipe(bundle: Path, _: Scene) -> None:
    """Records name a pipe, and a device without an end."""
    make_pipe(bundle / "payloads" / "pipe")
    paths = (str(bundle / "payloads" / "pipe"), "/dev/zero")

    def change(record: Record) -> None:
        for number, entry in enumerate(_entries(record)):
            entry.local_path = paths[number % 2]

    _edit(bundle, change)


@_bundle()
def name_by_parents(bundle: Path, _: Scene) -> None:
    """Records name an artifact's files by `..`, so that who downloads them writes elsewhere."""

    def change(record: Record) -> None:
        for entry in _entries(record):
            entry.path = f"../../{entry.path}"

    _edit(bundle, change)


@_bundle()
def reference_to_a_secret(bundle: Path, scene: Scene) -> None:
    """Records have references to a file of the user, and to a server of the attacker."""
    addresses = (f"file://{scene.netrc}", f"http://127.0.0.1:{scene.canary.port}/x")

    def change(record: Record) -> None:
        for number, entry in enumerate(_entries(record)):
            entry.ref, entry.local_path = addresses[number % 2], ""

    _edit(bundle, change)


@_bundle()
def files_by_parents(bundle: Path, _: Scene) -> None:
    """Records name files of a W&B run by `..`, and by their absolute names."""

    def change(record: Record) -> None:
        if record.HasField("files"):
            for number, file in enumerate(record.files.files):
                above = "../" * 8
                file.path = (f"{above}home/.netrc", "/etc/passwd")[number % 2]

    _edit(bundle, change)


@_bundle()
def link_in_files(bundle: Path, scene: Scene) -> None:
    """Files of a W&B run are links to files of the user."""
    shown = [path for path in bundle.glob("level-*/wandb/*/files/media/**/*") if not path.is_dir()]
    assert shown
    for path in shown:
        path.unlink()
        path.symlink_to(scene.netrc)


@_bundle()
def link_in_payloads(bundle: Path, scene: Scene) -> None:
    """Files of artifacts are links to files of the user."""
    for path in (bundle / "payloads").glob("*/*"):
        path.unlink()
        path.symlink_to(scene.docker)


@_bundle()
def folders_are_links(bundle: Path, scene: Scene) -> None:
    """The folders of files are links to those of the user."""
    for path in bundle.glob("level-*/wandb/*/files"):
        shutil.rmtree(path)
        path.symlink_to(scene.home / ".ssh")


@_bundle()
def payloads_are_a_link(bundle: Path, scene: Scene) -> None:
    """The folder of payloads is a link to one elsewhere."""
    (bundle / "payloads").rename(scene.root / "elsewhere")
    (bundle / "payloads").symlink_to(scene.root / "elsewhere")


@_bundle()
def levels_are_links(bundle: Path, scene: Scene) -> None:
    """A level is a link to a folder elsewhere, and one to itself."""
    (bundle / "level-00").rename(scene.root / "elsewhere")
    (bundle / "level-00").symlink_to(scene.root / "elsewhere")
    (bundle / "level-07").symlink_to("level-07")


@_bundle()
def another_payload(bundle: Path, _: Scene) -> None:
    """The files of artifacts have another content, of the same size."""
    for path in (bundle / "payloads").glob("*/*"):
        path.write_bytes(b"x" * path.stat().st_size)


@_bundle()
def no_payload(bundle: Path, _: Scene) -> None:
    """The files of artifacts are gone."""
    shutil.rmtree(bundle / "payloads")


@_bundle(refused=False)
def more_files(bundle: Path, _: Scene) -> None:
    """There are more files than were written."""
    for folder in bundle.glob("level-*/wandb/*/files"):
        (folder / "more.html").write_text("<script>alert(1)</script>", encoding="utf-8")
    (bundle / "payloads" / "more").write_bytes(b"x")


@_bundle(refused=False)
def another_run(bundle: Path, _: Scene) -> None:
    """There is one more W&B run than was written."""
    folder = _first(bundle).parent
    twin = folder.with_name(folder.name.replace("SharedFlow-", "SharedFlow-9"))
    shutil.copytree(folder, twin)
    path = next(twin.glob("*.wandb"))
    other = path.name.removeprefix("run-").removesuffix(".wandb").replace("Flow-", "Flow-9")
    path.rename(path.with_name(f"run-{other}.wandb"))


def _run(name: str, story: str, **changes: str) -> None:
    def change(bundle: Path, _: Scene) -> None:
        def edit(record: Record) -> None:
            if record.HasField("run"):
                for field, value in changes.items():
                    setattr(record.run, field, value)

        _edit(bundle, edit)

    ALL[name] = BundleCase(name, story, change, refused=True, sampled=False)


_run("id-a-path", "The id of a W&B run is a path.", run_id="../../x")
_run("id-too-long", "The id of a W&B run has 100,000 letters.", run_id="x" * 100_000)
_run("id-odd", "The id of a W&B run has escape sequences in it.", run_id="\x1b[31m\nx")
_run("id-another", "The id of a W&B run is one that somebody else made.", run_id="abc")
_run("project-a-path", "The project of a W&B run is a path.", project="../x", entity="../../y")
_run(
    "names-odd",
    "Names of a W&B run hold escape sequences.",
    display_name="\x1b]8;;http://x\x07\x1b[2J\u202e",
    run_group="\x1b[31m",
    notes="[red]\x9b",
)


@_bundle()
def config_deep(bundle: Path, _: Scene) -> None:
    """The config of W&B runs is JSON 100,000 deep."""

    def change(record: Record) -> None:
        if record.HasField("run"):
            for item in record.run.config.update:
                item.value_json = "[" * 100_000

    _edit(bundle, change)


@_bundle()
def config_odd(bundle: Path, _: Scene) -> None:
    """What mfwb wrote into config and summary is of other types."""

    def change(record: Record) -> None:
        if record.HasField("run"):
            for item in record.run.config.update:
                item.value_json = json.dumps([1, None])
        if record.HasField("summary"):
            for item in record.summary.update:
                item.value_json = "NaN"

    _edit(bundle, change)


@_bundle()
def metadata_deep(bundle: Path, _: Scene) -> None:
    """The metadata of artifacts is JSON 100,000 deep."""

    def change(record: Record) -> None:
        if record.HasField("artifact"):
            record.artifact.metadata = "[" * 100_000

    _edit(bundle, change)


@_bundle()
def many_records(bundle: Path, _: Scene) -> None:
    """A W&B run has 100,000 rows more."""
    path = _first(bundle)
    records = wandb_file.read(path)
    rows = [record for record in records if record.HasField("history")][:1] * 100_000
    wandb_file.write(path, [*records[:-1], *rows, records[-1]])


@_bundle()
def no_exit(bundle: Path, _: Scene) -> None:
    """The W&B runs never ended."""
    for path in _records(bundle):
        wandb_file.write(path, wandb_file.read(path)[:-1])


@_bundle(sampled=True)
def records_are_pipes(bundle: Path, _: Scene) -> None:
    """The records of W&B runs are pipes, whose readers would wait for ever."""
    for path in _records(bundle):
        make_pipe(path)


@_bundle()
def records_are_devices(bundle: Path, _: Scene) -> None:
    """The records of W&B runs are links to a device without an end."""
    for path in _records(bundle):
        path.unlink()
        path.symlink_to("/dev/zero")


@_bundle()
def records_with_holes(bundle: Path, _: Scene) -> None:
    """The records of a W&B run are a file of a terabyte, all of it holes."""
    with _first(bundle).open("r+b") as file:
        file.truncate(10**12)


@_bundle()
def records_of_nonsense(bundle: Path, _: Scene) -> None:
    """The records of W&B runs are random."""
    for path in _records(bundle):
        path.write_bytes(path.read_bytes()[:40] + bytes(range(256)) * 500)


@_bundle()
def records_of_length(bundle: Path, _: Scene) -> None:
    """A record says that it has four gigabytes."""
    path = _first(bundle)
    records = wandb_file.read(path)
    wandb_file.write(path, records)
    data = bytearray(path.read_bytes())
    data[14:20] = b"\x0a\xff\xff\xff\xff\x0f"
    path.write_bytes(data)


@_bundle(refused=False)
def odd_folders(bundle: Path, _: Scene) -> None:
    """Folders of W&B runs have odd names."""
    folder = _first(bundle).parent
    ids = ("\x1b[31m\nx", "[x]", "a" * 220)
    names = [f"offline-run-20260101_000000-{item}" for item in ids]
    for name in ("offline-run-x", *names):
        shutil.copytree(folder, folder.with_name(name))


@_bundle(refused=False)
def odd_levels(bundle: Path, _: Scene) -> None:
    """Levels have numbers that are none, and enormous ones."""
    for name in ("level-x", "level-99999999999999999999", "level-\u0661", "level--1"):
        shutil.copytree(bundle / "level-00", bundle / name)


@_bundle(refused=False, sampled=True)
def ledger_of_texts(bundle: Path, _: Scene) -> None:
    """All texts in the ledger are escape sequences, or JSON 50,000 deep."""
    with sqlite3.connect(bundle / "ledger.sqlite") as database:
        names = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")]  # fmt: skip
        for table in names:
            columns = [(row[1], row[2]) for row in database.execute(f"PRAGMA table_info({table})")]
            for number, (column, kind) in enumerate(columns):
                if kind == "TEXT":
                    text = ("\x1b[31m\x1b]52;c;eA==\x07", "[" * 50_000)[number % 2]
                    query = f"UPDATE OR IGNORE {table} SET {column} = ?"  # noqa: S608
                    database.execute(query, (text,))


@_bundle(refused=False)
def ledger_of_triggers(bundle: Path, scene: Scene) -> None:
    """The ledger has triggers and views that write and read other files, where SQLite lets them."""
    with sqlite3.connect(bundle / "ledger.sqlite") as database:
        names = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")]  # fmt: skip
        for table in names:
            database.execute(
                f"CREATE TRIGGER t_{table} AFTER INSERT ON {table} BEGIN "
                f"SELECT writefile('{scene.home}/x', 'y'); END"
            )


@_bundle(refused=False)
def ledger_of_nonsense(bundle: Path, _: Scene) -> None:
    """The ledger is no database."""
    (bundle / "ledger.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)


@_bundle(refused=False)
def ledger_a_link(bundle: Path, scene: Scene) -> None:
    """The ledger is a link to a file of the user."""
    (bundle / "ledger.sqlite").unlink()
    (bundle / "ledger.sqlite").symlink_to(scene.home / ".bashrc")


@_bundle(refused=False)
def ledger_a_pipe(bundle: Path, _: Scene) -> None:
    """The ledger is a pipe."""
    make_pipe(bundle / "ledger.sqlite")


@_bundle(refused=False)
def locks_are_links(bundle: Path, scene: Scene) -> None:
    """The locks are links to files of the user, which a lock would empty."""
    for path in (bundle / "locks").iterdir():
        path.unlink()
        path.symlink_to(scene.home / ".bashrc")


@_bundle(refused=False)
def settings_in_it(bundle: Path, scene: Scene) -> None:
    """The bundle holds settings for W&B and mfwb that name a server of the attacker."""
    address = f"http://127.0.0.1:{scene.canary.port}"
    for folder in (bundle, *bundle.glob("level-*"), *bundle.glob("level-*/wandb")):
        (folder / "mfwb.toml").write_text(f'[settings]\nbase_url = "{address}"\n', encoding="utf-8")
        text = f"[default]\nbase_url = {address}\n"
        (folder / "settings").write_text(text, encoding="utf-8")


def _is_evidence(path: Path, bundle: Path) -> bool:
    parts = path.relative_to(bundle).parts
    return parts[0].startswith("level-") or parts[0] == "payloads"


def _flip(name: str, story: str, place: Callable[[int], int]) -> None:
    def change(bundle: Path, _: Scene) -> None:
        paths = [path for path in sorted(bundle.rglob("*")) if path.is_file()]
        for path in paths:
            if _is_evidence(path, bundle) and path.stat().st_size:
                data = bytearray(path.read_bytes())
                data[place(len(data))] ^= 1
                path.write_bytes(data)

    ALL[name] = BundleCase(name, story, change, refused=True, sampled=False)


_flip("last-bit", "A bit of the last byte of each file is another.", lambda size: size - 1)
_flip("middle-bit", "A bit in the middle of each file is another.", lambda size: size // 2)
