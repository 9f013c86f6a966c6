"""Files of this machine that a flow run may send."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb.errors import ItemLost
from mfwb.files.allowed_files import AllowedFiles


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a project, and with secrets beside and inside it."""
    for name in (".ssh/id", ".netrc", "project/data.csv", "project/.env", "project/.git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def sendable(allowed: AllowedFiles, home: Path) -> list[str]:
    """Return the allowed files below a folder."""
    names = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    return [name for name in names if allowed.allows(home / name)]


def test_nothing_by_default(home: Path) -> None:
    """Without a named folder no file is allowed."""
    assert sendable(AllowedFiles(), home) == []
    with pytest.raises(ItemLost, match="--path-root DIR"):
        AllowedFiles().open(home / ".netrc")


def test_a_root_is_allowed_with_all_that_is_in_it(home: Path) -> None:
    """All files of a named folder are allowed."""
    allowed = AllowedFiles((home / "project", home / "not-there"))

    assert sendable(allowed, home) == [
        "project/.env",
        "project/.git/config",
        "project/data.csv",
    ]
    with allowed.open(home / "project" / ".env") as file:
        assert file.read() == b"project/.env"


def test_of_the_own_folder_nothing_that_is_hidden(home: Path) -> None:
    """Files in a hidden folder are excluded, too."""
    assert sendable(AllowedFiles(own_folder=home), home) == ["project/data.csv"]


def test_an_own_folder_that_lies_in_a_hidden_one(home: Path) -> None:
    """Only files below the folder count."""
    assert sendable(AllowedFiles(own_folder=home / ".ssh"), home) == [".ssh/id"]


@pytest.mark.parametrize("own", [True, False])
def test_links(home: Path, own: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """For a link, its target counts."""
    project = home / "project"
    (project / "key").symlink_to(home / ".ssh" / "id")
    (project / "up").symlink_to(home)
    (project / "env").symlink_to(project / ".env")
    (home / "way-in").symlink_to(project)
    allowed = AllowedFiles(own_folder=project) if own else AllowedFiles((home / "way-in",))

    assert allowed.allows(home / "way-in" / "data.csv")
    assert not allowed.allows(project / "key")
    assert not allowed.allows(project / "up" / ".ssh" / "id")
    assert not allowed.allows(project / ".." / ".netrc")
    assert allowed.allows(project / "env") is not own


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/stdin", "/dev/zero", "/sys/kernel"])
def test_what_the_kernel_says_is_no_file(path: str) -> None:
    """They are refused even if everything is allowed."""
    assert not AllowedFiles((Path("/"),)).allows(Path(path))
