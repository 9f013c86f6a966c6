"""Waiting that has an end."""

from __future__ import annotations

import threading

import pytest

from mfwb import deadlines
from mfwb.deadlines import run_within
from mfwb.errors import Unreachable


def test_what_comes_back() -> None:
    """What the deed returns or raises is what one gets."""
    assert run_within(1, lambda: 7, "it") == 7
    with pytest.raises(KeyError):
        run_within(1, lambda: dict[str, int]()["x"], "it")


def test_what_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time, whatever it does is left alone."""
    monkeypatch.setattr(deadlines, "_SHORTEST", 0.05)

    with pytest.raises(Unreachable, match="it did not answer within"):
        run_within(0.05, threading.Event().wait, "it")
