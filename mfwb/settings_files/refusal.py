"""Refusal of settings files of the current folder that the user neither named nor trusts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from mfwb.errors import UsageError
from mfwb.settings_files.discovery import Origin, SettingsFile
from mfwb.settings_files.trusted_files import Trust

__all__ = ["printable", "refusal_reason", "refuse_unless_trusted"]

_NAMES_LIMIT = 5  # in a message


def refusal_reason(file: SettingsFile, sensitive: Sequence[str], trust: Trust) -> str | None:
    """Return why a file may not be used; None if it may.

    Args:
        file: the file.
        sensitive: the names of its sensitive settings.
        trust: the files that the user trusts.
    """
    if file.origin is not Origin.DISCOVERED or not file.values:
        return None
    if not file.is_foreign and not sensitive:
        return None
    if trust.includes(file):
        return None
    if file.is_foreign:
        return "another user owns it or may write to it, so all of it is ignored"
    counts = "counts" if len(sensitive) == 1 else "count"
    return f"{_join(sensitive)} {counts} only if you trust this file"


def refuse_unless_trusted(
    file: SettingsFile, sensitive: Sequence[str], trust: Trust, *, can_be_named: bool
) -> None:
    """Raise UsageError if a file may not be used.

    Args:
        file: the file.
        sensitive: the names of its sensitive settings.
        trust: the files that the user trusts.
        can_be_named: whether `--config` can name it.
    """
    reason = refusal_reason(file, sensitive, trust)
    if reason is None:
        return
    shown = shlex.quote(_relative(file.path))
    alternative = f", or give --config {shown}" if can_be_named else ""
    raise UsageError(
        f"{file.path}: {reason}; look at it, then run `mfwb config trust {shown}`{alternative}"
    )


def printable(name: str) -> str:
    """Return a stranger's name for a message, with control characters escaped."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _join(names: Sequence[str]) -> str:
    shown = [*map(printable, names[:_NAMES_LIMIT])]
    if len(names) > _NAMES_LIMIT:
        shown.append(f"{len(names) - _NAMES_LIMIT} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _relative(path: Path) -> str:
    """Return a path relative to the current folder, if it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
