"""Private files and folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.files.private_files import make_folder, remove_own


@pytest.fixture
def careless() -> Iterator[None]:
    """Set the umask to 0, as some daemons do that start programs."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    """Return the permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("careless")
def test_folders_above_are_private_too(tmp_path: Path) -> None:
    """Anybody who can write to the parent folder could replace the folder."""
    tmp_path.chmod(0o755)

    make_folder(tmp_path / "a" / "b" / "c")

    made = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
    assert [rights(path) for path in made] == [0o700] * 3


def test_a_group_shares_what_is_new(tmp_path: Path) -> None:
    """In a folder to which the group may write, a new folder is open to the group."""
    tmp_path.chmod(0o2770)

    make_folder(tmp_path / "a" / "b")

    assert [rights(tmp_path / name) & 0o777 for name in ("a", "a/b")] == [0o770] * 2


def test_a_link_that_the_group_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that somebody puts there meanwhile is not opened to the group."""
    own, shared = tmp_path / "own", tmp_path / "shared"
    own.mkdir(mode=0o700)
    shared.mkdir()
    shared.chmod(0o770)
    mkdir = Path.mkdir

    def mkdir_and_swap(path: Path, mode: int = 0o777) -> None:
        mkdir(path, mode)
        path.rmdir()
        path.symlink_to(own)

    monkeypatch.setattr(Path, "mkdir", mkdir_and_swap)
    with pytest.raises(OSError, match="folder"):
        make_folder(shared / "folder")

    assert rights(own) == 0o700


def test_what_is_mfwbs_own_is_removed(tmp_path: Path) -> None:
    """A file, a folder with all in it, or a link, whose target stays; or nothing."""
    target = tmp_path / "target"
    (target / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "file").touch()

    for name in ("link", "file", "missing"):
        remove_own(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    remove_own(target)

    assert not [*tmp_path.iterdir()]
