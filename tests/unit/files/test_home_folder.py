"""Paths that begin with `~`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb.files.home_folder import expand_home


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that does not exist is no error."""
    monkeypatch.setenv("HOME", "/somewhere")

    assert expand_home("~/x") == Path("/somewhere/x")
    assert expand_home(Path("~nosuchuser/x")) == Path("~nosuchuser/x")
    assert expand_home("/a/~") == Path("/a/~")
