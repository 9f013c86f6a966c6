"""Tables of settings that are harmless in files of strangers; all other settings are sensitive.

Harmless settings decide how a flow run looks in the user's own W&B. Sensitive settings send keys or
data to other hosts, run code, read or write files of the machine, or disable a protection. A
setting that is in none of these tables is sensitive.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mfwb.files.rooted_files import resolve_below

__all__ = ["HARMLESS", "HARMLESS_OF_WANDB", "SENSITIVE", "sensitive_settings"]

_LEVELS_OF_BUNDLE = 3  # DIR, level-00, wandb: the folders into which a continued sync writes
_MAX_MEMORY = 2 * 10**9  # bytes: the default, which protects the machine


def _always(_: Any) -> bool:
    return True


def _is_off(value: Any) -> bool:
    return value is False


def _is_any_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


def _masks_as_much(redaction: Mapping[str, Any]) -> bool:
    """Whether a table `[redact]` masks all that is masked without it."""
    return redaction.get("enabled", True) is True and not redaction.get("exempt")


def _has_no_link(rules: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the rules of artifacts leave registries, which whole organizations use, alone."""
    return not any(rule.get("link") for rule in rules.values())


HARMLESS: Mapping[str, Callable[[Any], bool]] = {
    # A repository may set entity and project of its flows. W&B refuses users who are not members,
    # except in projects that are open to all: docs/settings.md explains it.
    "entity": _always,
    "project": _always,
    "granularity": _always,
    "datasets": _always,
    "models": _always,
    "others": _always,
    "max_artifact_size": _always,
    "overview": _always,
    "overview_report": _always,
    "code": _always,
    "curves": _always,
    "kinds": _always,
    "namespace": _always,
    "redact": _masks_as_much,
    "artifact": _has_no_link,
    "references": _always,  # URIs of the datastore that was read in any case
    "workers": _always,  # 1 to 64
    "max_requests_per_minute": _always,  # it only slows down
    "timeout": _always,  # bounded
    "wait": _always,  # bounded
    "abandoned_after": _always,
    "strict": _always,
    "mode": _is_any_of(None, "offline"),  # `online` would beat the user's WANDB_MODE
    "unpickle": _is_any_of("safe", "never"),
    "max_memory": lambda value: value <= _MAX_MEMORY,
    "file_references": _is_off,
    "on_deleted": _is_any_of("skip", "fail"),
    "force": _is_off,
    "overwrite_edits": _is_off,
}
"""By name, a function that returns whether a value is harmless."""

SENSITIVE = frozenset({"datastore_roots", "dir", "metadata", "path_roots"})
"""Settings that are always sensitive, or not by their value alone.

They are listed so that a test finds settings that are in no table. `dir` is harmless if it lies
below the file's own folder, and no existing link leads out of that folder.
"""

HARMLESS_OF_WANDB: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        (
            *("entity", "project", "organization"),
            *("run_group", "run_job_type", "run_name", "run_notes", "run_tags"),
            *("host", "username", "email", "x_label"),
            *("quiet", "silent", "show_colors", "show_emoji"),
            *("show_errors", "show_info", "show_warnings", "summary_warnings"),
        ),
        _always,
    ),
    "mode": _is_any_of("offline"),
}
"""The same for the fields of `wandb.Settings`, of which there are 156 in wandb 0.31."""


def sensitive_settings(values: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the names of the sensitive settings of a file, as they are written in it.

    Args:
        values: the settings of the file, validated.
        folder: the folder of the file.
    """
    return list(_sensitive(values, folder, ""))


def _sensitive(values: Mapping[str, Any], folder: Path, table: str) -> Iterator[str]:
    for name, value in values.items():
        if name == "settings":
            yield from (
                f"[{table}settings] {field}"
                for field, setting in value.items()
                if not HARMLESS_OF_WANDB.get(field, _never)(setting)
            )
        elif name in {"flow", "step"}:
            for key, table_values in value.items():
                yield from _sensitive(table_values, folder, f"{table}{name}.{key}.")
        elif name == "dir":
            if value is not None and not _is_below(folder, value):
                yield name
        elif not HARMLESS.get(name, _never)(value):
            yield f"[{table[:-1]}] {name}" if table else name


def _never(_: Any) -> bool:
    return False


def _is_below(folder: Path, path: Path) -> bool:
    """Whether a bundle lies below a folder, with all links followed."""
    try:
        resolved = resolve_below(folder, path)
        return not str(path).startswith("~") and not _has_links(resolved, _LEVELS_OF_BUNDLE)
    except OSError:
        return False


def _has_links(folder: Path, levels: int) -> bool:
    """Whether a folder, which may have come with the settings file, has links; OSError."""
    if not folder.exists():
        return False
    with os.scandir(folder) as entries:
        return any(
            entry.is_symlink()
            or (levels > 1 and entry.is_dir() and _has_links(Path(entry), levels - 1))
            for entry in entries
        )
