"""Going on where the ledger is damaged: W&B is asked instead, which knows as much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mfwb.errors import LedgerDamaged
from mfwb.outcome import Result

__all__ = ["with_a_sound_ledger"]


def with_a_sound_ledger(
    act: Callable[[], Result], put_aside: Callable[[Path], Path | None]
) -> Result:
    """Return what an act returns; if its ledger is damaged, of a second try with a new one.

    Args:
        act: opens the ledger, and does the work.
        put_aside: renames a ledger, if it is damaged, and returns what it is called now.

    Raises:
        LedgerDamaged: if the ledger is sound after all, so that a second try would end as this one.
    """
    try:
        return act()
    except LedgerDamaged as damaged:
        aside = put_aside(damaged.path)
        if aside is None:
            raise
        note = f"the ledger was damaged and is called {aside} now; W&B was asked instead"
        result = act()
        return replace(result, notes=(note, *result.notes))
