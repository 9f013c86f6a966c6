"""Only regular files below a root are opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mfwb.files.rooted_files import (
    NotAFileError,
    OutsideRootError,
    open_below,
    open_without_links,
    read_all_in,
    read_below,
    resolve_below,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a file in it, beside a file that is a secret."""
    (tmp_path / "secret").write_bytes(b"key")
    folder = tmp_path / "root"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "file").write_bytes(b"data")
    return folder


def test_a_file_is_read(root: Path) -> None:
    """A relative path, an absolute path and a link inside the root are read."""
    (root / "link").symlink_to(root / "inside" / "file")

    for path in ("inside/file", str(root / "inside" / "file"), "link", "inside/../inside/file"):
        assert read_below(root, path, max_bytes=4) == b"data"


def test_the_root_may_be_a_link(root: Path) -> None:
    """A root that is a link means its target."""
    link = root.with_name("link-to-root")
    link.symlink_to(root)

    assert read_below(link, "inside/file", max_bytes=4) == b"data"


@pytest.mark.parametrize("path", ["../secret", "inside/../../secret", "link", "folder/secret"])
def test_what_leads_out_is_refused(root: Path, path: str) -> None:
    """`..`, a link to a file and a link to a folder are refused if they lead out."""
    (root / "link").symlink_to("../secret")
    (root / "folder").symlink_to("..")

    with pytest.raises(OutsideRootError):
        open_below(root, path)


def test_an_absolute_path_elsewhere_is_refused(root: Path) -> None:
    """Joining an absolute path to a root would forget the root."""
    with pytest.raises(OutsideRootError):
        open_below(root, root.parent / "secret")


def test_a_sibling_with_the_same_beginning_is_outside(root: Path) -> None:
    """`root-2` does not lie in `root`."""
    with pytest.raises(OutsideRootError):
        resolve_below(root, f"../{root.name}-2/file")


def test_what_is_no_file_is_refused_at_once(root: Path) -> None:
    """A pipe without a writer would keep its reader waiting for ever."""
    os.mkfifo(root / "pipe")

    for path in ("pipe", "inside"):
        with pytest.raises(NotAFileError):
            open_below(root, path)


def test_what_is_not_there_is_told_apart(root: Path) -> None:
    """A missing file gives another error than an unreadable one."""
    with pytest.raises(FileNotFoundError):
        open_below(root, "inside/nothing")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("loop", "can't be followed|Too many levels"),
        ("a\0b", "can't be followed"),
        ("x" * 300, "name too long"),
    ],
    ids=["loop", "NUL", "long"],
)
def test_what_can_not_be_followed(root: Path, path: str, why: str) -> None:
    """A loop of links, a NUL and a name that is too long are errors of files."""
    (root / "loop").symlink_to("loop")

    with pytest.raises(OSError, match=why) as caught:
        open_below(root, path)

    assert not isinstance(caught.value, FileNotFoundError)


def test_what_is_too_large(root: Path) -> None:
    """A file is read up to the limit, for any claimed size."""
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_below(root, "inside/file", max_bytes=3)


def test_a_path_without_links(root: Path) -> None:
    """Only the root itself may be a link; whatever a link leads to, the link is what is wrong."""
    (root / "link").symlink_to(root / "inside")
    (root / "broken").symlink_to(root / "missing")
    (root / "out").symlink_to(root.parent / "secret")
    root.with_name("root-link").symlink_to(root)

    for folder in (root, root.with_name("root-link")):
        with open_without_links(folder, "inside/file") as file:
            assert file.read() == b"data"
        for path in ("link/file", "broken", "out", "inside/../inside/file"):
            with pytest.raises(OutsideRootError):
                open_without_links(folder, path)
        with pytest.raises(FileNotFoundError):
            open_without_links(folder, "inside/missing")
        with pytest.raises(NotAFileError):
            open_without_links(folder, "inside")


def _all_in(root: Path, folder: str = "inside", *, max_bytes: int = 4) -> list[bytes]:
    return list(read_all_in(root, folder, lambda name: name != "not", max_bytes=max_bytes))


def test_a_folder_is_read_at_once(root: Path) -> None:
    """The wanted files of a folder are read, in the order in which the folder lists them."""
    (root / "inside" / "more").write_bytes(b"more")
    (root / "inside" / "not").write_bytes(b"other")

    files = [file for file in (root / "inside").iterdir() if file.name != "not"]
    assert _all_in(root) == [file.read_bytes() for file in files]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_folder_with_what_is_no_file(root: Path, kind: str) -> None:
    """A link, a folder or a pipe among the wanted names is refused, whatever it leads to."""
    place = root / "inside" / "other"
    if kind == "link":
        place.symlink_to(root / "inside" / "file")
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)

    with pytest.raises(NotAFileError):
        _all_in(root)


def test_a_folder_elsewhere(root: Path) -> None:
    """A folder that leads out is refused, and a file that is too large."""
    (root.parent / "other").mkdir()
    (root / "out").symlink_to(root.parent / "other")

    with pytest.raises(OutsideRootError):
        _all_in(root, "out")
    with pytest.raises(OSError, match="more than 3 bytes"):
        _all_in(root, max_bytes=3)
    with pytest.raises(FileNotFoundError):
        _all_in(root, "nothing")
