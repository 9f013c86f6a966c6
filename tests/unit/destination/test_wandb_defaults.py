"""W&B's own settings, saved until they may have changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfwb.destination.wandb_defaults import WandbDefaults, cache_key, load_defaults, save_defaults
from mfwb.settings_files.wandb_settings import SERVERS_OF_WANDB

SAID = WandbDefaults(mode="online", base_url="https://w.example", entity="acme", project=None)


def test_it_is_remembered(tmp_path: Path) -> None:
    """Saved settings are loaded again, whether W&B's files exist or not."""
    existing = tmp_path / "settings"
    existing.write_text("[default]", encoding="utf-8")

    save_defaults(tmp_path, "digest", [existing, tmp_path / "missing"], SAID)

    assert load_defaults(tmp_path, "digest") == SAID


def _edit(file: Path) -> None:
    file.write_text("[default]\nentity = other", encoding="utf-8")


def _same_size(file: Path) -> None:
    file.with_name("new").write_text("[tluafed]", encoding="utf-8")
    file.with_name("new").replace(file)


@pytest.mark.parametrize("change", [_edit, _same_size, Path.unlink])
def test_a_file_that_changed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """W&B is asked anew."""
    file = tmp_path / "settings"
    file.write_text("[default]", encoding="utf-8")
    save_defaults(tmp_path, "digest", [file], SAID)

    change(file)

    assert load_defaults(tmp_path, "digest") is None


def test_a_file_that_appeared(tmp_path: Path) -> None:
    """W&B is asked anew."""
    save_defaults(tmp_path, "digest", [tmp_path / "settings"], SAID)

    (tmp_path / "settings").touch()

    assert load_defaults(tmp_path, "digest") is None


@pytest.mark.parametrize(
    "name", ["WANDB_ENTITY", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "HOME", "XDG_CONFIG_HOME"]
)
def test_variables_count(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each variable that W&B reads makes a difference."""
    before = cache_key()
    monkeypatch.setenv(name, "/something/else")

    assert cache_key() != before


def test_the_folder_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may have settings."""
    before = cache_key()
    monkeypatch.chdir(tmp_path)

    assert cache_key() != before


def test_a_folder_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It differs from all existing folders."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    before = cache_key()
    gone.rmdir()

    assert cache_key() != before


def test_a_secret_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even as part of a digest."""
    before = cache_key()
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)

    assert cache_key() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"witnesses": "digest", "files": 1}', "\0"])
def test_half_a_file(tmp_path: Path, text: str) -> None:
    """A file that a kill left, or that someone else wrote, does not count."""
    (tmp_path / "wandb-defaults.json").write_text(text, encoding="utf-8")

    assert load_defaults(tmp_path, "digest") is None


def test_no_folder(tmp_path: Path) -> None:
    """Nothing is saved where nothing can be written."""
    save_defaults(tmp_path / "none", "digest", [], SAID)

    assert load_defaults(tmp_path / "none", "digest") is None


USERS = "[default]\nentity = theirs\nproject = wines\nbase_url = https://w.example/\n"

CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "the user's": ({"home/settings": USERS}, {}),
    "the folder's": ({"wandb/settings": "[default]\nentity = acme\nmode = offline\n"}, {}),
    "both": ({"home/settings": USERS, "wandb/settings": "[default]\nentity = acme\n"}, {}),
    "hidden folder": ({".wandb/settings": "[default]\nproject = p\n"}, {}),
    "hidden folder without": ({".wandb/x": "", "wandb/settings": "[default]\nproject = p\n"}, {}),
    "variables beat files": (
        {"home/settings": USERS},
        {"WANDB_ENTITY": "me", "WANDB_PROJECT": "mine", "WANDB_MODE": "disabled"},
    ),
    "an empty variable": ({"home/settings": USERS}, {"WANDB_ENTITY": ""}),
    "a server by variable": ({"home/settings": USERS}, {"WANDB_BASE_URL": "http://127.0.0.1:9/"}),
    "another folder": (
        {"wandb/settings": "[default]\nproject = p\n"},
        {"WANDB_DIR": "/x"},
    ),
    "other sections": ({"home/settings": "[other]\nentity = theirs\n"}, {}),
    "defaults of ini files": ({"home/settings": "[DEFAULT]\nentity = a\n[default]\n"}, {}),
    "no ini file": ({"home/settings": "entity: theirs"}, {}),
    "a project that W&B refuses": (
        {"home/settings": "[default]\nentity = theirs\nproject = a/b\n"},
        {},
    ),
}


def test_as_wandb_reads(tmp_path: Path) -> None:
    """Mode, server, entity and project are the same in each case."""
    given = [_made(tmp_path / str(number), *case) for number, case in enumerate(CASES.values())]
    environ = {name: text for name, text in os.environ.items() if not name.startswith("WANDB_")}

    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.destination.wandb_probe"],
        input=json.dumps(given),
        env={**environ, "WANDB_SILENT": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    pairs = dict(zip(CASES, json.loads(done.stdout), strict=True))
    ours = {name: _one_name(own) for name, (_, own) in pairs.items()}
    assert ours == {name: _one_name(of_wandb) for name, (of_wandb, _) in pairs.items()}
    assert ours["both"]["entity"] == "acme"


def _one_name(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with one name for W&B's own server, which has two."""
    is_theirs = settings["base_url"] in SERVERS_OF_WANDB
    return {**settings, "base_url": "W&B's" if is_theirs else settings["base_url"]}


def _made(folder: Path, files: dict[str, str], variables: dict[str, str]) -> list[Any]:
    """Write the files of a case, and return the case for the probe."""
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(folder), {"WANDB_CONFIG_DIR": str(folder / "home"), **variables}]
