"""Where ledgers lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mfwb.config import load_settings
from mfwb.errors import UsageError
from mfwb.ledger import bundle_of, ledger_path


def test_ledger_of_a_bundle() -> None:
    """A bundle carries its own ledger."""
    assert ledger_path(Path("/bundle")) == Path("/bundle/ledger.sqlite")


def test_ledger_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """All servers share the user's, which lies where the user wants it."""
    monkeypatch.setenv("MFWB_STATE_DIR", "/state")
    assert ledger_path(None) == Path("/state/ledger.sqlite")

    monkeypatch.delenv("MFWB_STATE_DIR")
    assert ledger_path(None).parts[-2:] == ("mfwb", "ledger.sqlite")


def bundle(tmp_path: Path, **said: Any) -> Path | None:
    """Return the bundle that some settings mean."""
    return bundle_of(load_settings(said, folder=tmp_path, environ={}))


def test_bundle_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder means a bundle, and without one it is the server."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    folder = tmp_path / "b"

    assert bundle(tmp_path) is None
    assert bundle(tmp_path, mode="online") is None
    assert bundle(tmp_path, mode="offline", dir=folder) == folder
    assert bundle(tmp_path, dir=folder) == folder
    assert bundle(tmp_path, settings={"mode": "offline"}, dir=folder) == folder


@pytest.mark.parametrize(
    "said", [{"mode": "online", "dir": "b"}, {"mode": "offline"}, {"settings": {"mode": "offline"}}]
)
def test_mode_and_folder_have_to_fit(tmp_path: Path, said: dict[str, Any]) -> None:
    """A server has no folder, and a bundle is one."""
    with pytest.raises(UsageError, match="--dir"):
        bundle(tmp_path, **said)


def test_wandb_may_say_that_it_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B's own variable counts where nothing else is said."""
    monkeypatch.setenv("WANDB_MODE", "offline")

    with pytest.raises(UsageError, match="add --dir"):
        bundle(tmp_path)
    assert bundle(tmp_path, mode="online") is None
