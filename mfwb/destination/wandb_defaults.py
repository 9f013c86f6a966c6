"""What W&B's own variables and files say of where runs go.

W&B itself is asked by whoever writes, and its answer is remembered from one call to the next: to
ask takes as long as importing wandb, which is half of a call that finds nothing new. A command
that does without wandb reads variables and files as W&B does.
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
_SECRET = "WANDB_API_KEY"  # noqa: S105 - its name, which decides nothing here


@dataclass(frozen=True, slots=True)
class WandbDefaults:
    """W&B's effective settings, as far as they say where runs go."""

    mode: str
    base_url: str
    entity: str | None
    project: str | None


def read_defaults(environ: Mapping[str, str] = os.environ) -> WandbDefaults:
    """Return what W&B would say, of its files and variables (wandb 0.31.0); UsageError.

    Files that name no project W&B would take don't count at all, as with W&B. What else W&B
    refuses there is not looked at: the sync that would use it says so.
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
    """Return a digest of what W&B makes its settings from, but for its files.

    That is its variables, where it looks for files, and its version (wandb 0.31.0).
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
    except FileNotFoundError:  # somebody removed it
        return None


def save_defaults(folder: Path, key: str, files: Iterable[Path], defaults: WandbDefaults) -> None:
    """Keep what W&B said for calls that have the same key."""
    stats = {str(file): _stat_of(file) for file in files}
    document = {"witnesses": key, "files": stats, "defaults": asdict(defaults)}
    with suppress(OSError):  # then W&B is asked again
        overwrite(folder / _FILE, json.dumps(document).encode())


def load_defaults(folder: Path, key: str) -> WandbDefaults | None:
    """Return what W&B would say; None if it has to be asked."""
    try:
        document = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        is_same = document["witnesses"] == key and all(
            _stat_of(Path(name)) == stat_values for name, stat_values in document["files"].items()
        )
        return WandbDefaults(**document["defaults"]) if is_same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # there is none, or none of ours: then W&B is asked


def _stat_of(file: Path) -> list[int]:
    try:
        stat = file.stat()
    except OSError as error:  # that it is not there, or can't be looked at, is a look, too
        return [error.errno or 0]
    return [stat.st_mtime_ns, stat.st_size, stat.st_ino]
