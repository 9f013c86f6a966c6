"""W&B's own settings, saved until they may have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfwb.destination.wandb_defaults import WandbDefaults, cache_key, load_defaults, save_defaults

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
