"""Tests of the paths of ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb.ledger import ledger_path


def test_ledger_of_a_bundle() -> None:
    """A bundle contains its own ledger."""
    assert ledger_path(Path("/bundle")) == Path("/bundle/ledger.sqlite")


def test_ledger_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """All servers share the user's ledger; a variable sets its folder."""
    monkeypatch.setenv("MFWB_STATE_DIR", "/state")
    assert ledger_path(None) == Path("/state/ledger.sqlite")

    monkeypatch.delenv("MFWB_STATE_DIR")
    assert ledger_path(None).parts[-2:] == ("mfwb", "ledger.sqlite")
