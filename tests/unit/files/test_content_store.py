"""Store of files named by their content."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mfwb.errors import ItemLost, SinkError, SourceError
from mfwb.files.content_store import Store

NAME = "abcdef.pkl"


def names_in(folder: Path) -> list[str]:
    """Return all files below a folder, except the lock file of a temporary folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "owner"
    )


def test_made_once(tmp_path: Path) -> None:
    """An existing file is not made again."""
    store = Store(tmp_path)
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"x")

    assert store.get_or_make(NAME, make) == store.get_or_make(NAME, make) == tmp_path / "ab" / NAME
    assert Store(tmp_path).get_or_make(NAME, make).read_bytes() == b"x"
    assert len(made) == 1


def test_a_folder(tmp_path: Path) -> None:
    """A folder is renamed in one step, too."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / "a").write_bytes(b"a")

    Store(tmp_path).get_or_make("abc.frames", make)

    assert names_in(tmp_path) == ["ab/abc.frames/a"]


@pytest.mark.parametrize("error", [ItemLost("gone"), KeyboardInterrupt(), RuntimeError("bug")])
def test_no_half_files(error: BaseException, tmp_path: Path) -> None:
    """A failure leaves nothing behind, and can be retried."""
    store = Store(tmp_path)

    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        store.get_or_make(NAME, broken)

    assert names_in(tmp_path) == []
    assert store.get_or_make(NAME, lambda path: path.touch()).exists()


def test_several_threads(tmp_path: Path) -> None:
    """Threads that want the same file at the same time wait for one that makes it."""
    store = Store(tmp_path)
    made: list[int] = []
    barrier = threading.Barrier(8)

    def make(path: Path) -> None:
        made.append(threading.get_ident())
        path.write_bytes(b"x" * 100_000)

    def work() -> None:
        barrier.wait()
        assert store.get_or_make(NAME, make).stat().st_size == 100_000

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1


def test_another_process_was_faster(tmp_path: Path) -> None:
    """A folder that another process makes meanwhile is used."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / "a").write_bytes(b"ours")
        other = tmp_path / "ab" / "abc.frames"
        other.mkdir(parents=True)
        (other / "a").write_bytes(b"theirs")

    path = Store(tmp_path).get_or_make("abc.frames", make)

    assert (path / "a").read_bytes() == b"theirs"
    assert names_in(tmp_path) == ["ab/abc.frames/a"]


def test_full_disk(tmp_path: Path) -> None:
    """A full disk ends the flow run: it concerns all items."""

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SinkError, match="no space left for the files of artifacts"):
        Store(tmp_path).get_or_make(NAME, full)


def test_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are absolute, because W&B reads the files later and from elsewhere."""
    monkeypatch.chdir(tmp_path)

    path = Store(Path("payloads")).get_or_make(NAME, lambda path: path.touch())

    assert path == tmp_path / "payloads" / "ab" / NAME


def test_tidy_and_remove(tmp_path: Path) -> None:
    """`remove_unfinished` keeps complete files, `remove` keeps nothing."""
    store = Store(tmp_path / "x")
    store.get_or_make(NAME, lambda path: path.touch())

    store.remove_unfinished()
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["ab"]
    store.remove()
    store.remove()
    assert list(tmp_path.iterdir()) == []


def test_nobody_waits_for_another_file(tmp_path: Path) -> None:
    """While one file takes its time, any number of others are made."""
    store = Store(tmp_path)

    def slow(path: Path) -> None:
        for number in range(300):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(store.get_or_make, f"{number:06}.pkl", Path.touch).result(10)
        path.touch()

    store.get_or_make(NAME, slow)

    assert len(names_in(tmp_path)) == 301


NOT_PLAIN = [
    "../../home/*.pkl",
    "/etc/x",
    "a/b.pkl",
    "..",
    "..pkl",
    ".hidden",
    "a",
    "",
    "ab*",
    "ab\0",
]


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_names_that_are_paths(tmp_path: Path, name: str) -> None:
    """A stranger's sha1 can't lead out of the folder."""
    store = Store(tmp_path / "x" / "y")

    for ask in (store.path, store.has, lambda name: store.get_or_make(name, Path.touch)):
        with pytest.raises(SourceError):
            ask(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["../../home/u/", "*", "ab*", "../../home/u/*", "a?cdef", ""])
def test_a_key_is_no_pattern(tmp_path: Path, key: str) -> None:
    """Only files that were made here are removed, by their exact names."""
    home = tmp_path / "home" / "u"
    home.mkdir(parents=True)
    (home / ".bashrc").touch()
    (home / ".ssh").mkdir()
    store = Store(tmp_path / "a" / "b" / "c")
    store.get_or_make(NAME, Path.touch)

    store.discard(key)

    assert sorted(path.name for path in home.iterdir()) == [".bashrc", ".ssh"]
    assert store.has(NAME)


def test_only_what_was_made_here_is_removed(tmp_path: Path) -> None:
    """This also holds for a file with the same key, or in the same folder."""
    (tmp_path / "x" / "ab").mkdir(parents=True)
    (tmp_path / "x" / "ab" / "abcdef.txt").touch()
    (tmp_path / "x" / "other").touch()
    store = Store(tmp_path / "x")
    store.get_or_make(NAME, Path.touch)
    store.get_or_make("abcdef.frames", Path.mkdir)

    store.discard("abcdef")
    left = names_in(tmp_path)
    store.get_or_make(NAME, Path.touch)
    store.remove()

    assert left == names_in(tmp_path) == ["x/ab/abcdef.txt", "x/other"]


def test_a_link_is_no_file_of_ours(tmp_path: Path) -> None:
    """In a bundle that somebody changed, a new file replaces a link."""
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    (tmp_path / "x" / "ab").mkdir(parents=True)
    (tmp_path / "x" / "ab" / NAME).symlink_to(secret)
    store = Store(tmp_path / "x")

    assert not store.has(NAME)
    path = store.get_or_make(NAME, Path.touch)

    assert not path.is_symlink()
    assert path.read_bytes() == b""
    assert secret.read_text(encoding="utf-8") == "secret"


@pytest.mark.parametrize("which", ["x", "x/ab"])
def test_a_folder_that_is_a_link(tmp_path: Path, which: str) -> None:
    """Nothing is written to the target of a link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / which).parent.mkdir(exist_ok=True)
    (tmp_path / which).symlink_to(elsewhere)

    with pytest.raises(SinkError, match="is a link"):
        Store(tmp_path / "x").get_or_make(NAME, Path.touch)

    assert list(elsewhere.iterdir()) == []


def test_private(tmp_path: Path) -> None:
    """With any umask, files are private."""
    before = os.umask(0)
    try:
        store = Store(tmp_path / "x")
        store.get_or_make(NAME, Path.touch)
        store.get_or_make("abc.frames", lambda path: (path / "a").mkdir(parents=True))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "x").rglob("*")}
        modes["x"] = (tmp_path / "x").stat().st_mode & 0o777
    finally:
        os.umask(before)

    scratch = {name for name in modes if name.startswith("mfwb-")}
    folders = {"x", "ab", "abc.frames", "a", *scratch}
    assert modes == {name: 0o700 if name in folders else 0o600 for name in modes}


@pytest.mark.parametrize("place", [".", "ab"])
@pytest.mark.parametrize("plant", [os.mkfifo, Path.touch])
def test_no_folder_where_one_should_be(
    place: str, plant: Callable[[Path], None], tmp_path: Path
) -> None:
    """A file in the place of a folder gives SinkError, not a bug."""
    folder = tmp_path / "payloads"
    planted = folder / place
    planted.parent.mkdir(exist_ok=True)
    plant(planted)

    with pytest.raises(SinkError, match=r"folder|exists"):
        Store(folder).get_or_make(f"ab{'0' * 38}.json", Path.touch)


def _make_right(path: Path) -> None:
    path.write_bytes(b"right")


def test_what_exists_is_renewed_once(tmp_path: Path) -> None:
    """A damaged file is replaced; then it is as any other."""
    Store(tmp_path).get_or_make(NAME, _make_right)
    (tmp_path / "ab" / NAME).write_bytes(b"wrong")
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"right")

    store = Store(tmp_path, renew=True)
    assert not store.has(NAME)
    assert store.get_or_make(NAME, make) == store.get_or_make(NAME, make)
    assert store.has(NAME)
    assert (tmp_path / "ab" / NAME).read_bytes() == b"right"
    assert len(made) == 1


def test_what_is_renewed_and_equal_stays(tmp_path: Path) -> None:
    """The very file: other programs may read it."""
    path = Store(tmp_path).get_or_make(NAME, _make_right)
    before = path.stat()

    Store(tmp_path, renew=True).get_or_make(NAME, _make_right)

    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names_in(tmp_path) == [f"ab/{NAME}"]


def test_a_folder_is_renewed(tmp_path: Path) -> None:
    """What is in it and was not made goes away."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / "a").write_bytes(b"a")

    folder = Store(tmp_path).get_or_make("abc.frames", make)
    (folder / "strange").write_bytes(b"b")

    Store(tmp_path, renew=True).get_or_make("abc.frames", make)

    assert names_in(tmp_path) == ["ab/abc.frames/a"]
