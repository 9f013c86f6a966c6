"""Temporary folders are removed, even if their process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mfwb.files.tempdirs import remove_all, scratch, temporary_files_in_scratch


def test_gone_afterwards(tmp_path: Path) -> None:
    """A folder exists as long as it is needed."""
    with scratch(tmp_path) as folder:
        (folder / "file").write_text("x", encoding="utf-8")
        assert folder.is_dir()

    assert list(tmp_path.iterdir()) == []


def test_of_this_process(tmp_path: Path) -> None:
    """All can be removed at once, nested folders first."""
    with scratch(tmp_path) as outer, scratch(outer) as inner:
        (inner / "file").write_text("x", encoding="utf-8")

        remove_all()

        assert list(tmp_path.iterdir()) == []


def test_what_can_not_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that can't be removed is removed by the next process."""
    with monkeypatch.context() as held:
        held.setattr("mfwb.files.tempdirs.remove_at", lambda *_: None)
        with scratch(tmp_path) as folder:
            (folder / "file").write_text("x", encoding="utf-8")
    assert folder.is_dir()

    with scratch(tmp_path) as another:
        assert [*tmp_path.iterdir()] == [another]


def test_of_the_living(tmp_path: Path) -> None:
    """A folder in use is not removed."""
    with scratch(tmp_path) as item, scratch(tmp_path) as other:
        assert item.is_dir()
        assert other.is_dir()


def test_of_the_dead(tmp_path: Path) -> None:
    """The next process removes the folders of a killed one."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from mfwb.files.tempdirs import scratch\n"
        "with scratch(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    left = [path.name for path in tmp_path.rglob("*")]
    with scratch(tmp_path) as folder:
        result = [path.name for path in tmp_path.rglob("*")]

    assert died.returncode == -9
    assert "file" in left
    assert sorted(result) == sorted([folder.name, "owner"])


@pytest.mark.parametrize("has_owner", [False, True])
def test_of_the_unborn(tmp_path: Path, has_owner: bool) -> None:  # noqa: FBT001
    """A process may also be killed while it makes its folder."""
    half = tmp_path / ".mfwb-half"
    half.mkdir(mode=0o700)
    if has_owner:
        (half / "owner").touch()

    with scratch(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_many_at_once(tmp_path: Path) -> None:
    """Each process removes abandoned folders at its start, and none that is in use."""

    def use(_: int) -> bool:
        with scratch(tmp_path) as folder:
            (folder / "file").touch()
            return (folder / "owner").is_file() and (folder / "file").is_file()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(use, range(400)))
    assert list(tmp_path.iterdir()) == []


def test_of_others(tmp_path: Path) -> None:
    """Folders of others stay, for any name."""
    (tmp_path / "mfwb-mine").mkdir()
    with scratch(tmp_path):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["mfwb-mine"]


def test_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files of SDKs lie in it meanwhile, and in the usual folder afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with temporary_files_in_scratch():
        made = Path(tempfile.mkdtemp())
        assert made.parent.parent == tmp_path

    assert not made.exists()
    assert tempfile.gettempdir() == str(tmp_path)


@pytest.mark.parametrize("what", ["link", "link to ours", "open to others", "owner is a link"])
def test_planted(tmp_path: Path, what: str) -> None:
    """Anybody may use such a name in the folder for temporary files: mfwb leaves it."""
    location, home = tmp_path / "tmp", tmp_path / "home"
    location.mkdir()
    home.mkdir(mode=0o700)
    (home / "precious").write_text("x", encoding="utf-8")
    planted = location / "mfwb-planted"
    if what.startswith("link"):
        (home / "owner").touch()
        planted.symlink_to(home)
    elif what == "open to others":
        planted.mkdir()
        planted.chmod(0o777)
        (planted / "owner").touch()
    else:
        planted.mkdir(mode=0o700)
        (planted / "owner").symlink_to(home / "precious")

    with scratch(location):
        pass

    assert (home / "precious").read_text(encoding="utf-8") == "x"
    assert planted.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is another user's")
def test_of_another_user(tmp_path: Path) -> None:
    """Even root leaves other users' folders alone."""
    theirs = tmp_path / "mfwb-theirs"
    theirs.mkdir(mode=0o700)
    (theirs / "owner").touch()
    os.chown(theirs, 12345, 12345)

    with scratch(tmp_path):
        pass

    assert (theirs / "owner").is_file()


def test_links_in_it_are_not_followed(tmp_path: Path) -> None:
    """A link is removed and its target stays, at the end as well as in a later removal."""
    home, location = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    location.mkdir()
    (home / "precious").touch()
    left = location / "mfwb-left"
    left.mkdir(mode=0o700)
    (left / "owner").touch()
    (left / "link").symlink_to(home)

    with scratch(location) as folder:
        assert not left.exists()
        (folder / "link").symlink_to(home)
        (folder / "inner").mkdir()
        (folder / "inner" / "link").symlink_to(home)

    assert list(location.iterdir()) == []
    assert (home / "precious").exists()


def test_however_deep(tmp_path: Path) -> None:
    """Nested folders are removed, also if they are too deep for a path or for open files."""
    with scratch(tmp_path) as folder:
        deep = folder / "deep"
        deep.mkdir()
        within = os.open(deep, os.O_RDONLY)
        for _ in range(3_000):
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=within))
            os.mkdir("a", dir_fd=within)
            outer, within = within, os.open("a", os.O_RDONLY, dir_fd=within)
            os.close(outer)
        os.close(within)

    assert list(tmp_path.iterdir()) == []
