"""A check of the ledger: whether it can be used, and whether a sync is at work."""

from __future__ import annotations

from pathlib import Path

from mfwb.diagnosis.check import Check, failed, passed, warned
from mfwb.errors import LedgerDamaged, LockHeld, UsageError
from mfwb.ledger.examine import LedgerState, examine_ledger

__all__ = ["check_ledger"]

_GROUP, _NAME = "This machine", "ledger"


def check_ledger(path: Path) -> Check:
    """Return a check of the ledger at a path."""
    try:
        state = examine_ledger(path)
    except LockHeld as error:
        return warned(_GROUP, _NAME, str(error), "wait for it with --wait 10m")
    except LedgerDamaged as error:
        return failed(_GROUP, _NAME, str(error), "run `mfwb status --rebuild`")
    except UsageError as error:
        return failed(_GROUP, _NAME, str(error), "move it away; a sync then makes a new one")
    return _describe(state, path)


def _describe(state: LedgerState | None, path: Path) -> Check:
    if state is None:
        return passed(_GROUP, _NAME, f"there is none yet; the first sync makes {path}")
    if state.held_locks:
        text = f"a sync works on {', '.join(state.held_locks)} ({path})"
        return warned(_GROUP, _NAME, text, "wait for it with --wait 10m")
    if state.entries is None:
        text = f"a process writes to it, or was killed meanwhile ({path})"
        return warned(_GROUP, _NAME, text, "nothing: the next command undoes an unfinished write")
    return passed(_GROUP, _NAME, f"{state.entries:,} flow runs, no sync at work ({path})")
