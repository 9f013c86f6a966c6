"""Recovery from a damaged ledger: W&B is queried instead, since it has the same information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mfwb.errors import LedgerDamaged
from mfwb.outcome import Result

__all__ = ["retry_with_new_ledger"]


def retry_with_new_ledger(
    action: Callable[[], Result], put_aside: Callable[[Path], Path | None]
) -> Result:
    """Run an action and return its result; if the ledger is damaged, run it again with a new one.

    Args:
        action: opens the ledger, and does the work.
        put_aside: renames a damaged ledger and returns its new path; None: the ledger is sound.

    Raises:
        LedgerDamaged: if the ledger is sound after all, so that a second run would fail, too.
    """
    try:
        return action()
    except LedgerDamaged as damaged:
        aside = put_aside(damaged.path)
        if aside is None:
            raise
        note = f"the ledger was damaged and was renamed to {aside}; W&B was asked instead"
        result = action()
        return replace(result, notes=(note, *result.notes))
