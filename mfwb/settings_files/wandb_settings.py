"""The settings file of W&B's SDK in the current folder, which overrides the user's own one.

`wandb init` writes it. As of wandb 0.31.0 the SDK reads it for any value of WANDB_DIR.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mfwb.files.home_folder import expand_home
from mfwb.settings_files.discovery import Origin, SettingsFile, read
from mfwb.settings_files.sensitivity import HARMLESS_OF_WANDB

__all__ = [
    "SERVERS_OF_WANDB",
    "SERVER_OF_WANDB",
    "find_wandb_file",
    "read_wandb_file",
    "sensitive_in_wandb_file",
    "servers_of_key",
    "settings_in_wandb_files",
    "wandb_files_of",
]

_SECTION = "default"
SERVER_OF_WANDB = "https://api.wandb.ai"
SERVERS_OF_WANDB = frozenset({SERVER_OF_WANDB, "https://api.forge.coreweave.com"})
"""URLs of W&B's own server, one of which is the default (wandb 0.31)."""
_MODES = frozenset({"online", "offline", "disabled"})  # written by `wandb online` and the like


def wandb_files_of(folder: Path) -> tuple[Path, ...]:
    """Return the paths that W&B checks in a folder: a folder, and settings files."""
    return folder / ".wandb", folder / ".wandb" / "settings", folder / "wandb" / "settings"


def find_wandb_file(folder: Path) -> SettingsFile | None:
    """Return W&B's settings file of a folder, or None; UsageError."""
    name = ".wandb" if (folder / ".wandb").exists() else "wandb"
    path = folder / name / "settings"
    return read_wandb_file(path) if path.is_file() else None


def read_wandb_file(path: Path) -> SettingsFile:
    """Read a settings file of W&B; UsageError."""
    return read(path, Origin.DISCOVERED, _parse)


def sensitive_in_wandb_file(
    values: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> list[str]:
    """Return the names of its sensitive settings; a server that W&B would use anyway is not one."""
    return [name for name, value in values.items() if not _is_harmless(name, value, environ)]


def _is_harmless(name: str, value: str, environ: Mapping[str, str]) -> bool:
    if name == "base_url":
        return bool(environ.get("WANDB_BASE_URL")) or _normalize(value) in _servers(None, environ)
    if name == "mode":
        return value in _MODES
    return name in HARMLESS_OF_WANDB


def servers_of_key(folder: Path, environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the servers to which WANDB_API_KEY may belong.

    Args:
        folder: the current one, whose file W&B reads; the caller has checked that file.
        environ: the variables.
    """
    return _servers(find_wandb_file(folder), environ)


def settings_in_wandb_files(folder: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the merged values of W&B's settings files; UsageError.

    The file of the folder overrides the user's.

    Args:
        folder: the current one; None: it was removed.
        environ: the variables.
    """
    files = _users_wandb_file(environ), find_wandb_file(folder) if folder else None
    return {name: value for file in files if file for name, value in file.values.items()}


def _users_wandb_file(environ: Mapping[str, str]) -> SettingsFile | None:
    home = environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb"
    path = expand_home(home) / "settings"
    return read(path, Origin.USERS, _parse) if path.is_file() else None


def _servers(folder_file: SettingsFile | None, environ: Mapping[str, str]) -> frozenset[str]:
    user_file = _users_wandb_file(environ)
    urls = [environ.get("WANDB_BASE_URL")]
    urls += [file.values.get("base_url") for file in (folder_file, user_file) if file is not None]
    return next((frozenset({_normalize(url)}) for url in urls if url), SERVERS_OF_WANDB)


def _normalize(url: str) -> str:
    return url.rstrip("/")


def _parse(data: bytes) -> dict[str, Any]:
    """Return the values that W&B would read; ValueError if W&B could not read the file."""
    parser = configparser.ConfigParser()
    try:
        parser.read_string(data.decode("utf-8"))
    except configparser.Error:  # W&B prints the error, and takes the file for empty
        return {}
    except UnicodeDecodeError as error:
        raise ValueError(f"not settings of W&B: {error}") from None
    try:
        return dict(parser.items(_SECTION)) if parser.has_section(_SECTION) else {}
    except configparser.Error as error:
        message = " ".join(str(error).split())
        raise ValueError(f"not settings of W&B: {message}") from None
