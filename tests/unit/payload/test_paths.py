"""Files behind a path of the flow run."""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import BinaryIO

import pytest

from mfwb.conversion.path_values import load_path
from mfwb.errors import ItemLost
from mfwb.files.allowed_files import AllowedFiles
from mfwb.files.private_files import remove_below
from mfwb.payload import paths as module
from mfwb.payload.model import ArtifactFiles
from mfwb.payload.paths import read_path_files
from mfwb.ports import ReadyFile

Files = Callable[..., ArtifactFiles]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a file and a file in a folder."""
    top = tmp_path / "data"
    (top / "sub").mkdir(parents=True)
    (top / "a.csv").write_text("a")
    (top / "sub" / "b.csv").write_text("bb")
    return top


@pytest.fixture
def kept() -> dict[str, bytes]:
    """Return what was copied, by name in the W&B artifact."""
    return {}


@pytest.fixture
def files(tmp_path: Path, kept: dict[str, bytes]) -> Files:
    """Return `read_path_files`; all files below tmp_path are allowed unless given otherwise."""

    def keep(file: BinaryIO, name: str) -> ReadyFile:
        kept[name] = file.read()
        digest = hashlib.md5(kept[name], usedforsecurity=False).digest()
        return ReadyFile(name, len(kept[name]), md5=base64.b64encode(digest).decode())

    def files(
        path: PurePath, stem: str = "path", allowed: AllowedFiles | None = None
    ) -> ArtifactFiles:
        everything = AllowedFiles((tmp_path,))
        return read_path_files(path, stem, allowed=allowed or everything, keep=keep)

    return files


def test_file(folder: Path, files: Files, kept: dict[str, bytes]) -> None:
    """A file goes by its own name, as it lies there."""
    result = files(PurePath(folder / "a.csv"))

    assert [(file.path, file.size) for file in result.files] == [("a.csv", 1)]
    assert kept == {"a.csv": b"a"}


def test_file_of_one_of_many_tasks(folder: Path, files: Files, kept: dict[str, bytes]) -> None:
    """A file of a foreach task goes into the task's folder."""
    files(PurePath(folder / "a.csv"), "0/3/path")

    assert kept == {"0/3/a.csv": b"a"}


def test_folder(folder: Path, files: Files, kept: dict[str, bytes]) -> None:
    """The files of a folder go by their paths in it."""
    result = files(PurePath(folder), "3/path")

    assert [file.path for file in result.files] == ["3/a.csv", "3/sub/b.csv"]
    assert kept == {"3/a.csv": b"a", "3/sub/b.csv": b"bb"}
    assert result.missing == {}


def test_links(folder: Path, tmp_path: Path, files: Files) -> None:
    """Links are followed as long as they stay in the folder; the rest is said to be missing."""
    (tmp_path / "secret").write_text("secret")
    (folder / "in").symlink_to(folder / "sub" / "b.csv")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "round").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    os.mkfifo(folder / "pipe")

    result = files(PurePath(folder))

    assert [file.path for file in result.files] == ["a.csv", "in", "sub/b.csv"]
    assert result.missing == {
        "itself": "it is a link that leads out of the folder",
        "nowhere": "it is not a file",
        "out": "it is a link that leads out of the folder",
        "pipe": "it is not a file",
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
def test_uris(path: str, uri: str, name: str, files: Files) -> None:
    """A URI goes as a reference, with the slash that Path took from it."""
    for flavour in (PurePosixPath, PureWindowsPath):
        result = files(flavour(path), "3/path")

        assert result.files == [ReadyFile(f"3/{name}", 0, uri=uri)]


@pytest.mark.parametrize("name", ["no/such/file", "x" * 5000, "a\0b"])
def test_not_here(name: str, tmp_path: Path, files: Files) -> None:
    """What is not on this machine is lost."""
    with pytest.raises(ItemLost, match="on this machine"):
        files(PurePosixPath(f"{tmp_path}/{name}"))


def test_not_allowed(folder: Path, tmp_path: Path, files: Files, kept: dict[str, bytes]) -> None:
    """Whether a file is there is not told of what is not allowed."""
    allowed = AllowedFiles((folder / "sub",))
    lost = []
    for path in (folder / "a.csv", folder / "gone", folder, tmp_path):
        with pytest.raises(ItemLost) as caught:
            files(PurePath(path), allowed=allowed)
        lost.append(str(caught.value).replace(str(path), ""))

    assert len(set(lost)) == 1
    assert "--path-root DIR" in lost[0]
    assert kept == {}


def test_hidden(folder: Path, files: Files, kept: dict[str, bytes]) -> None:
    """In the folder that the flow ran in, what is hidden is left there, in hidden folders, too."""
    (folder / ".env").write_text("KEY=1")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("token")
    (folder / "plain").symlink_to(folder / ".env")

    result = files(PurePath(folder), allowed=AllowedFiles(own_folder=folder))

    assert sorted(kept) == ["a.csv", "sub/b.csv"]
    assert result.missing == dict.fromkeys(
        [".env", ".git", "plain"], "it is hidden, which needs --path-root"
    )
    assert len(files(PurePath(folder), allowed=AllowedFiles((folder,))).files) == 5


def test_very_many_files(
    folder: Path, files: Files, kept: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a limit; how many more there are is a loss."""
    monkeypatch.setattr(module, "FILES_LIMIT", 3)
    for number in range(10):
        (folder / "sub" / f"{number}").touch()

    result = files(PurePath(folder))

    assert sorted(kept) == ["a.csv", "sub/0", "sub/1"]
    assert result.missing == {"...": "9 more, of a folder of more than 3 files"}


def test_deep_folders(folder: Path, files: Files) -> None:
    """Depth needs no stack."""
    here = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        for _ in range(500):
            Path("d").mkdir()
            os.chdir("d")
        Path("f").touch()
    finally:
        os.chdir(here)

    assert len(files(PurePath(folder)).files) == 3
    remove_below(folder, "d")  # who tidies up after all tests needs a stack


@pytest.mark.parametrize("path", [".", "data/train.csv", "C:/data", "s3:"])
def test_relative(path: str, files: Files) -> None:
    """A relative path is lost, also if something is there from where mfwb was started."""
    with pytest.raises(ItemLost, match="relative"):
        files(PurePosixPath(path))


def test_of_another_system(files: Files) -> None:
    """A path of Windows is read as one, and is not here, even if it looks like one that is."""
    data = b"\x80\x04\x8c\x07pathlib\x94\x8c\x0bWindowsPath\x94\x93\x94\x8c\x01/\x94\x85\x94R\x94."

    path = load_path(data)

    assert path == PureWindowsPath("/")
    with pytest.raises(ItemLost, match="does not exist on this machine"):
        files(path)


def test_neither_file_nor_folder(tmp_path: Path, files: Files) -> None:
    """A pipe is lost, because reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ItemLost, match="it is not a file"):
        files(PurePath(tmp_path / "pipe"))


def test_unreadable(folder: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the folder that can't be listed is said to be missing."""
    real = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)

    result = files(PurePath(folder))

    assert [file.path for file in result.files] == ["a.csv"]
    assert list(result.missing) == ["sub"]
    assert "Permission denied" in result.missing["sub"]


def test_a_name_that_is_no_text(folder: Path, files: Files) -> None:
    """W&B could not take it."""
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).touch()

    assert files(PurePath(folder)).missing == {"caf\\udce9": "its name is not UTF-8"}


def test_empty_folder(tmp_path: Path, files: Files) -> None:
    """A folder without files leaves nothing to log."""
    with pytest.raises(ItemLost, match="there is no file in the folder"):
        files(PurePath(tmp_path))


@pytest.mark.parametrize("protocol", [2, 4])
def test_load(protocol: int) -> None:
    """A pickled path is read whatever the protocol."""
    assert load_path(pickle.dumps(Path("/a/b"), protocol=protocol)) == PurePosixPath("/a/b")


@pytest.mark.parametrize("data", [b"", pickle.dumps(1), pickle.dumps(os.getcwd)])
def test_no_path(data: bytes) -> None:
    """What is no path is lost with a reason."""
    with pytest.raises(ItemLost, match=r"is not a path|can't be read"):
        load_path(data)
