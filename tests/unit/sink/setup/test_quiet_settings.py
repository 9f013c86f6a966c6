"""W&B's own logs while runs are replayed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from mfwb.sink.client.process_wide import without_debug_logs

LOGGER = logging.getLogger("wandb")


@pytest.fixture(autouse=True)
def debugging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set up the logger as W&B does."""
    monkeypatch.delenv("WANDB_DEBUG", raising=False)
    before = LOGGER.level
    LOGGER.setLevel(logging.DEBUG)
    yield
    LOGGER.setLevel(before)


def test_warnings_are_left() -> None:
    """Afterwards all is as before, for the program's own runs."""
    with without_debug_logs():
        with without_debug_logs():
            pass
        meanwhile = (LOGGER.isEnabledFor(logging.INFO), LOGGER.isEnabledFor(logging.WARNING))

    assert meanwhile == (False, True)
    assert LOGGER.level == logging.DEBUG


def test_who_debugs_gets_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch is W&B's own."""
    monkeypatch.setenv("WANDB_DEBUG", "true")

    with without_debug_logs():
        assert LOGGER.isEnabledFor(logging.DEBUG)
