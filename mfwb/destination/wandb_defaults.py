"""W&B's own settings of where runs go, from its variables and files.

A call that writes gets them from W&B itself, and saves them for the next call: the query takes as
long as the import of wandb, which is half of a call that finds nothing new. A command without
wandb reads variables and files in the same way as W&B.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from mfwb.files.private_files import overwrite
from mfwb.planning.names import is_project_name
from mfwb.settings_files.wandb_settings import SERVER_OF_WANDB, settings_in_wandb_files

__all__ = ["WandbDefaults", "cache_key", "load_defaults", "read_defaults", "save_defaults"]

_FILE = "wandb-defaults.json"
_FOLDER_VARIABLES = ("HOME", "XDG_CONFIG_HOME")
_SECRET = "WANDB_API_KEY"  # noqa: S105 - the name of a variable that does not matter here


@dataclass(frozen=True, slots=True)
class WandbDefaults:
    """W&B's effective settings of where runs go."""

    mode: str
    base_url: str
    entity: str | None
    project: str | None


def read_defaults(environ: Mapping[str, str] = os.environ) -> WandbDefaults:
    """Return W&B's settings, read from its files and variables (wandb 0.31.0); UsageError.

    As in W&B, files with an invalid project name don't count at all. Other invalid values are not
    checked: the sync that uses them reports them.
    """
    files = settings_in_wandb_files(_here(), environ)
    if not is_project_name(files.get("project") or "any"):
        files = {}

    def given(name: str) -> str | None:
        return environ.get(f"WANDB_{name.upper()}", files.get(name))

    return WandbDefaults(
        mode=given("mode") or "online",
        base_url=(given("base_url") or SERVER_OF_WANDB).rstrip("/"),
        entity=given("entity"),
        project=given("project"),
    )


def cache_key() -> str:
    """Return a digest of the inputs of W&B's settings, except its files.

    These are its variables, the folders of its files, and its version (wandb 0.31.0).
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if name in _FOLDER_VARIABLES or (name.startswith("WANDB_") and name != _SECRET)
    }
    here = _here()
    parts = [version("wandb"), here and str(here), sorted(variables.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the folder was removed
        return None


def save_defaults(folder: Path, key: str, files: Iterable[Path], defaults: WandbDefaults) -> None:
    """Save W&B's settings for later calls with the same cache key."""
    stats = {str(file): _stat_of(file) for file in files}
    document = {"witnesses": key, "files": stats, "defaults": asdict(defaults)}
    with suppress(OSError):  # then the next call queries W&B again
        overwrite(folder / _FILE, json.dumps(document).encode())


def load_defaults(folder: Path, key: str) -> WandbDefaults | None:
    """Return the saved settings; None if W&B has to be queried."""
    try:
        document = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        is_same = document["witnesses"] == key and all(
            _stat_of(Path(name)) == stat_values for name, stat_values in document["files"].items()
        )
        return WandbDefaults(**document["defaults"]) if is_same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # the file is missing or not valid: then W&B is queried


def _stat_of(file: Path) -> list[int]:
    try:
        stat = file.stat()
    except OSError as error:  # a missing or unreadable file is a state to compare, too
        return [error.errno or 0]
    return [stat.st_mtime_ns, stat.st_size, stat.st_ino]
