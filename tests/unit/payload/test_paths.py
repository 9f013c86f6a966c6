"""What a path of the flow run points at."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from mfwb.errors import ItemLost
from mfwb.payload.paths import files_of_path, load_path
from mfwb.ports import ReadyFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a file and a file in a folder."""
    top = tmp_path / "data"
    (top / "sub").mkdir(parents=True)
    (top / "a.csv").write_text("a")
    (top / "sub" / "b.csv").write_text("bb")
    return top


def test_file(folder: Path) -> None:
    """A file goes by its own name, as it lies there."""
    found = files_of_path(PurePath(folder / "a.csv"), "path")

    assert found.files == [ReadyFile("a.csv", 1, folder / "a.csv")]


def test_file_of_one_of_many_tasks(folder: Path) -> None:
    """A file of a foreach task goes into the task's folder."""
    found = files_of_path(PurePath(folder / "a.csv"), "0/3/path")

    assert found.files == [ReadyFile("0/3/a.csv", 1, folder / "a.csv")]


def test_folder(folder: Path) -> None:
    """The files of a folder go by their paths in it."""
    found = files_of_path(PurePath(folder), "3/path")

    assert found.files == [
        ReadyFile("3/a.csv", 1, folder / "a.csv"),
        ReadyFile("3/sub/b.csv", 2, folder / "sub" / "b.csv"),
    ]
    assert found.missing == {}


def test_links(folder: Path, tmp_path: Path) -> None:
    """Links are followed as long as they stay in the folder; the rest is said to be missing."""
    (tmp_path / "secret").write_text("secret")
    (folder / "in").symlink_to(folder / "sub" / "b.csv")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe")

    found = files_of_path(PurePath(folder), "path")

    assert [file.path for file in found.files] == ["a.csv", "in", "sub/b.csv"]
    assert found.missing == {
        "nowhere": "it is no file",
        "out": "it is a link that leads out of the folder",
        "pipe": "it is no file",
        "round": "it is a link to a folder",
    }


@pytest.mark.parametrize(
    ("path", "uri", "name"),
    [
        ("s3://bucket/key.csv", "s3://bucket/key.csv", "key.csv"),
        ("gs://bucket/a/b", "gs://bucket/a/b", "b"),
        ("https://example.org/x.csv", "https://example.org/x.csv", "x.csv"),
        ("S3://bucket/Key", "s3://bucket/Key", "Key"),
    ],
)
def test_uris(path: str, uri: str, name: str) -> None:
    """A URI goes as a reference, with the slash that Path took from it."""
    for flavour in (PurePosixPath, PureWindowsPath):
        found = files_of_path(flavour(path), "3/path")

        assert found.files == [ReadyFile(f"3/{name}", 0, uri=uri)]


@pytest.mark.parametrize("path", ["/no/such/file", "/" + "x" * 5000, "/a\0b"])
def test_not_here(path: str) -> None:
    """What is not on this machine is lost."""
    with pytest.raises(ItemLost, match="on this machine"):
        files_of_path(PurePosixPath(path), "path")


@pytest.mark.parametrize("path", [".", "data/train.csv", "C:/data", "s3:"])
def test_relative(path: str) -> None:
    """A relative path is lost, also if something is there from where mfwb was started."""
    with pytest.raises(ItemLost, match="relative"):
        files_of_path(PurePosixPath(path), "path")


def test_of_another_system() -> None:
    """A path of Windows is read as one, and is not here, even if it looks like one that is."""
    data = b"\x80\x04\x8c\x07pathlib\x94\x8c\x0bWindowsPath\x94\x93\x94\x8c\x01/\x94\x85\x94R\x94."

    path = load_path(data)

    assert path == PureWindowsPath("/")
    with pytest.raises(ItemLost, match="does not exist on this machine"):
        files_of_path(path, "path")


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    """A pipe is lost, because reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ItemLost, match="it is no file"):
        files_of_path(PurePath(tmp_path / "pipe"), "path")


def test_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the folder that can't be listed is said to be missing."""
    real = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)

    found = files_of_path(PurePath(folder), "path")

    assert [file.path for file in found.files] == ["a.csv"]
    assert list(found.missing) == ["sub"]
    assert "Permission denied" in found.missing["sub"]


def test_empty_folder(tmp_path: Path) -> None:
    """A folder without files leaves nothing to log."""
    with pytest.raises(ItemLost, match="there is no file in the folder"):
        files_of_path(PurePath(tmp_path), "path")


@pytest.mark.parametrize("protocol", [2, 4])
def test_load(protocol: int) -> None:
    """A pickled path is read whatever the protocol."""
    assert load_path(pickle.dumps(Path("/a/b"), protocol=protocol)) == PurePosixPath("/a/b")


@pytest.mark.parametrize("data", [b"", pickle.dumps(1), pickle.dumps(os.getcwd)])
def test_no_path(data: bytes) -> None:
    """What is no path is lost with a reason."""
    with pytest.raises(ItemLost, match=r"is no path|can't be read"):
        load_path(data)
