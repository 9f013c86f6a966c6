"""Files of checkpoints in a datastore to which strangers may write."""

from __future__ import annotations

import json
import tarfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Datastore
from mfwb.snapshot.checkpoints import StoredReference, parse_reference
from tests.unit.snapshot.test_checkpoints import CHECKPOINT, MODEL
from tests.unit.source.tars import member, tar

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    from mfwb.source import checkpoints
    from mfwb.source.checkpoints import find_datastore, locate_files, read_files
    from mfwb.source.datastore.flow_store import FlowStore, open_store

FILES = {"a.bin": b"a" * 7, "sub/b.txt": b"bbb"}


def _reference(facts: dict[str, object], **changed: object) -> StoredReference:
    reference = parse_reference({**facts, **changed}, "F")
    assert reference is not None
    return reference


def _store(root: Path) -> FlowStore:
    return open_store(Datastore("local", str(root)), "F")


def _read(root: Path, reference: StoredReference) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the files, and the reasons for those that are missing."""
    files: dict[str, bytes] = {}
    missing: dict[str, str] = {}
    for file in read_files(_store(root), "F", reference):
        if file.stream is None:
            missing[file.name] = file.missing
            continue
        data = b""
        while chunk := file.stream.read(5):
            data += chunk
        files[file.name] = data
    return files, missing


def _write(root: Path, reference: StoredReference) -> Path:
    """Write the files of a checkpoint; return its folder."""
    folder = root / reference.key
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def _write_tar(root: Path, data: bytes) -> StoredReference:
    """Write a tar, and return the reference to it."""
    reference = _reference(CHECKPOINT, storage_format="tar", size=len(data))
    path = root / reference.key
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return reference


def test_a_folder(tmp_path: Path) -> None:
    """Each file comes whole, under its path in the folder."""
    reference = _reference(CHECKPOINT)
    _write(tmp_path, reference)

    assert _read(tmp_path, reference) == (FILES, {})
    located = locate_files(_store(tmp_path), "F", reference)
    assert located is not None
    assert [(name, location.gzipped) for name, location in located] == [
        ("a.bin", False),
        ("sub/b.txt", False),
    ]


def test_files_that_are_gone(tmp_path: Path) -> None:
    """A checkpoint that was deleted is a loss with that reason."""
    for reference in (_reference(CHECKPOINT), _reference(CHECKPOINT, storage_format="tar")):
        with pytest.raises(ItemLost, match="gone"):
            _read(tmp_path, reference)
        with pytest.raises(ItemLost, match="gone"):
            locate_files(_store(tmp_path), "F", reference)


@pytest.mark.parametrize("size", [9, 11])
def test_sizes_that_differ(tmp_path: Path, size: int) -> None:
    """The files have to have as many bytes as were recorded."""
    reference = _reference(CHECKPOINT, size=size)
    _write(tmp_path, reference)

    with pytest.raises(ItemLost, match="recorded"):
        _read(tmp_path, reference)
    with pytest.raises(ItemLost, match="recorded"):
        locate_files(_store(tmp_path), "F", reference)


def test_links_out_of_the_datastore(tmp_path: Path) -> None:
    """A link to a file elsewhere is never read, and one to a folder never followed."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"s" * 3)
    root = tmp_path / "root"
    reference = _reference(CHECKPOINT, size=None)
    folder = _write(root, reference)
    (folder / "folder").symlink_to(secret)

    with pytest.raises(ItemLost):
        _read(root, reference)
    (folder / "folder").unlink()
    (folder / "file").symlink_to(secret / "key")
    with pytest.raises(ItemLost, match="leads out"):
        _read(root, reference)


def test_a_folder_that_is_a_link(tmp_path: Path) -> None:
    """The same for the whole checkpoint."""
    root = tmp_path / "root"
    reference = _reference(CHECKPOINT)
    elsewhere = _write(tmp_path / "elsewhere", reference)
    (root / reference.key).parent.mkdir(parents=True)
    (root / reference.key).symlink_to(elsewhere)

    with pytest.raises(ItemLost, match="leads out"):
        _read(root, reference)


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond the limit are counted."""
    monkeypatch.setattr(checkpoints, "FILES_LIMIT", 1)
    reference = _reference(CHECKPOINT)
    _write(tmp_path, reference)

    files, missing = _read(tmp_path, reference)

    assert len(files) == 1
    assert missing == {"...": "1 more files than 1"}


def test_a_tar(tmp_path: Path) -> None:
    """The files in it come under their paths; folders are no files."""
    data = tar(
        [
            member(".", type=tarfile.DIRTYPE),
            *(member(f"./{name}", content) for name, content in FILES.items()),
        ]
    )
    reference = _write_tar(tmp_path, data)

    assert _read(tmp_path, reference) == (FILES, {})


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("../up", {}),
        ("/etc/passwd", {}),
        ("a/../../up", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "a.bin"}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("device", {"type": tarfile.CHRTYPE}),
        ("sparse", {"type": tarfile.GNUTYPE_SPARSE}),
    ],
    ids=["above", "absolute", "above, later", "a link", "a hard link", "pipe", "device", "sparse"],
)
def test_hostile_members(tmp_path: Path, name: str, facts: dict[str, Any]) -> None:
    """Such a member is missing, with the reason; the files around it are read."""
    data = tar([member("a.bin", FILES["a.bin"]), member(name, **facts), member("z", b"z")])
    reference = _write_tar(tmp_path, data)

    files, missing = _read(tmp_path, reference)

    assert files == {"a.bin": FILES["a.bin"], "z": b"z"}
    assert [*missing] == [name]


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:700], lambda data: b"x" * len(data), lambda data: data + b"\0" * 512],
    ids=["cut", "no tar", "longer than recorded"],
)
def test_damaged_tars(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A tar that is cut, no tar, or longer than recorded, is a loss."""
    data = tar([member("a.bin", b"a" * 2000)])
    reference = _write_tar(tmp_path, damage(data))

    with pytest.raises(ItemLost):
        _read(tmp_path, replace(reference, size=len(data)))


def test_models_have_a_record_of_the_flow(tmp_path: Path) -> None:
    """The key of a model has no flow, so its record decides whose it is."""
    reference = _reference(MODEL, storage_format="files")
    _write(tmp_path, reference)
    record = tmp_path / "mf.models/models/artifact_metadata/best_0a1b.metadata"
    record.parent.mkdir(parents=True)

    with pytest.raises(ItemLost, match="gone"):
        _read(tmp_path, reference)
    record.write_text(json.dumps({**MODEL, "pathspec": "Other/1/train/1"}), encoding="utf-8")
    with pytest.raises(ItemLost, match="not that of a model of this flow"):
        _read(tmp_path, reference)
    record.write_text("{", encoding="utf-8")
    with pytest.raises(ItemLost, match="damaged"):
        _read(tmp_path, reference)
    record.write_text(json.dumps(MODEL), encoding="utf-8")
    assert _read(tmp_path, reference) == (FILES, {})


def test_other_datastores() -> None:
    """The root in the URL counts, if it is one of the user's."""
    own = Datastore("s3", "s3://b/root")

    def admit(datastore: Datastore) -> Datastore:
        if datastore.root.startswith("/home/me"):
            return datastore
        raise SourceError(f"{datastore.root} is not yours")

    def found(root: str) -> Datastore:
        return find_datastore(_reference(CHECKPOINT, url=f"{root}/{CHECKPOINT['key']}"), own, admit)

    assert found("s3://b/root") == own
    assert found("/home/me/.metaflow") == Datastore("local", "/home/me/.metaflow")
    assert find_datastore(_reference(CHECKPOINT, url="elsewhere"), own, admit) == own
    for root in ("s3://other", "gs://b", "/etc"):
        with pytest.raises(ItemLost, match="not yours"):
            found(root)
