"""The pages of the repository name modules that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mfwb

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mfwb.__file__).parent  # the installed one, where that is tested
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`([\w./-]+(?:\.py|/))`")
_NO_MODULES = frozenset({"wandb.py", "wandb/", "DIR/payloads/", "demo/", "data/"})
"""Paths of a user's machine or datastore that the pages mention."""


def named_paths(page: Path) -> list[str]:
    """Return the files and folders of Python code that a page names, outside of its examples."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return [path for path in _PATH.findall(text) if path not in _NO_MODULES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_named_modules_exist(page: Path) -> None:
    """Each path is below the repository's root or below the package."""
    missing = [
        path
        for path in named_paths(page)
        if not (ROOT / path).exists() and not (PACKAGE / path).exists()
    ]

    assert missing == []


def test_each_room_is_described() -> None:
    """The table of rooms has every folder and module of the package."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## The rooms")[2].partition("\n## ")[0]
    rooms = {
        path.stem
        for path in PACKAGE.iterdir()
        if not path.name.startswith("__") and (path.is_dir() or path.suffix == ".py")
    }

    assert {room for room in rooms if not re.search(rf"`{room}(/|\.py)?`", table)} == set()


def test_each_folder_of_a_room_is_described() -> None:
    """The table below that of the rooms has every folder in a folder."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Inside the larger rooms")[2].partition("\n## ")[0]
    folders = {
        init.parent.relative_to(PACKAGE).as_posix() for init in PACKAGE.glob("*/**/__init__.py")
    }

    assert {folder for folder in folders if "/" in folder and f"`{folder}/`" not in table} == set()
