"""Versions that are refused at the start of a command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.errors import UsageError
from mfwb.sdk_versions import refuse_old_versions


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    refuse_old_versions.cache_clear()
    yield
    refuse_old_versions.cache_clear()


def test_installed_versions_are_accepted() -> None:
    """Those that the tests run with."""
    refuse_old_versions()


@pytest.mark.parametrize(("name", "version"), [("wandb", "0.29.9"), ("metaflow", "2.11.16")])
def test_old_versions_are_refused(
    name: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is too old, what to do, and where all versions are shown."""
    info = tmp_path / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(UsageError, match=rf"{name} {version} is too old.*pip install.*doctor"):
        refuse_old_versions()
