"""What W&B's own settings say of where runs go, remembered from one call to the next.

To ask W&B takes as long as importing it, which is half of a call that finds nothing new.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from mfwb.own_files import overwrite

__all__ = ["Defaults", "recall", "remember", "witnesses"]

_FILE = "wandb-defaults.json"
_WHERE_FILES_LIE = ("HOME", "XDG_CONFIG_HOME")
_SECRET = "WANDB_API_KEY"  # noqa: S105 - its name, which decides nothing here


@dataclass(frozen=True, slots=True)
class Defaults:
    """W&B's effective settings, as far as they say where runs go."""

    mode: str
    base_url: str
    entity: str | None
    project: str | None


def witnesses() -> str:
    """Return a digest of what W&B makes its settings from, but for its files.

    That is its variables, where it looks for files, and its version (wandb 0.31.0).
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if name in _WHERE_FILES_LIE or (name.startswith("WANDB_") and name != _SECRET)
    }
    said = json.dumps([version("wandb"), _here(), sorted(variables.items())])
    return hashlib.sha256(said.encode()).hexdigest()


def _here() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # somebody removed it
        return None


def remember(folder: Path, digest: str, files: Iterable[Path], defaults: Defaults) -> None:
    """Keep what W&B said for calls that have the same witnesses."""
    looks = {str(file): _look_of(file) for file in files}
    said = {"witnesses": digest, "files": looks, "defaults": asdict(defaults)}
    with suppress(OSError):  # then W&B is asked again
        overwrite(folder / _FILE, json.dumps(said).encode())


def recall(folder: Path, digest: str) -> Defaults | None:
    """Return what W&B would say; None if it has to be asked."""
    try:
        said = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        is_same = said["witnesses"] == digest and all(
            _look_of(Path(name)) == look for name, look in said["files"].items()
        )
        return Defaults(**said["defaults"]) if is_same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # there is none, or none of ours: then W&B is asked


def _look_of(file: Path) -> list[int]:
    try:
        stat = file.stat()
    except OSError as error:  # that it is not there, or can't be looked at, is a look, too
        return [error.errno or 0]
    return [stat.st_mtime_ns, stat.st_size, stat.st_ino]
