"""Metaflow's settings file in the first `.metaflow` of the current folder or above.

It overrides the user's own settings file, but not variables. As of metaflow 2.19.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mfwb.settings_files.discovery import Origin, SettingsFile, read

__all__ = ["find_metaflow_file", "read_metaflow_file", "sensitive_in_metaflow_file"]

_HARMLESS = frozenset({"METAFLOW_DEFAULT_METADATA", "METAFLOW_DEFAULT_DATASTORE", "METAFLOW_USER"})
_RUN_ONLY_PREFIXES = tuple(
    f"METAFLOW_{name}_"
    for name in (
        *("AIRFLOW", "ARGO", "BATCH", "CONDA", "DEFAULT_CONTAINER", "DEFAULT_PACKAGE", "ECS"),
        *("EVENTS", "KUBERNETES", "SFN"),
    )
)
"""Settings for running flows, which don't affect reading completed ones."""

_ADDRESSES = frozenset({"METAFLOW_ARGO_WORKFLOWS_UI_URL"})
"""Exceptions among these: links in W&B lead there."""


def find_metaflow_file(folder: Path) -> SettingsFile | None:
    """Return the settings file that Metaflow uses if it is imported in a folder, or None."""
    for parent in (folder, *folder.parents):
        home = parent / ".metaflow"
        if home.is_dir():
            path = home / "config.json"
            return read_metaflow_file(path) if path.exists() else None
    return None


def read_metaflow_file(path: Path) -> SettingsFile:
    """Read a settings file of Metaflow; UsageError."""
    return read(path, Origin.DISCOVERED, _parse)


def sensitive_in_metaflow_file(
    values: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> list[str]:
    """Return the names of its sensitive settings that no variable overrides."""
    return [
        name
        for name in values
        if name.startswith("METAFLOW_")  # Metaflow ignores other names
        and name not in environ
        and name not in _HARMLESS
        and (name in _ADDRESSES or not name.startswith(_RUN_ONLY_PREFIXES))
    ]


def _parse(data: bytes) -> dict[str, Any]:
    try:
        values = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"not settings of Metaflow: {error}") from None
    if not isinstance(values, dict):
        raise ValueError("not settings of Metaflow: it is not a JSON object")  # noqa: TRY004
    return values
