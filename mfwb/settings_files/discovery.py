"""Discovery and reading of settings files."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from mfwb.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Origin",
    "SettingsFile",
    "current_folder",
    "find_file",
    "find_users_file",
    "read",
    "read_named_file",
]

_NAME = "mfwb.toml"
_PYPROJECT = "pyproject.toml"
_SIZE_LIMIT = 4 * 2**20  # bytes
_ANYBODY_MAY_WRITE = stat.S_IWOTH


class Origin(Enum):
    """Why a file is read."""

    USERS = "in your configuration folder"
    NAMED = "named"
    DISCOVERED = "found"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file, as it was when it was read.

    Attributes:
        path: the path for messages.
        real_path: the real path of its folder, with the file's name. If the file itself is a link,
            it is not followed: a user who trusts a file does not trust links to it elsewhere.
        values: its settings.
        origin: why it is read.
        is_foreign: whether another user owns it, or anybody may write to it.
    """

    path: Path
    real_path: Path
    values: Mapping[str, Any]
    origin: Origin
    is_foreign: bool = False

    @property
    def digest(self) -> str:
        """Digest of its values; comments and tables of other tools don't change it."""
        text = json.dumps(self.values, sort_keys=True, default=repr)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def current_folder() -> Path:
    """Return the current folder; UsageError if somebody removed it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder does not exist any more; change to another") from None


def find_users_file() -> SettingsFile | None:
    """Return mfwb.toml of the user's configuration folder; None if there is none."""
    path = user_config_path("mfwb") / _NAME
    # Without a home folder the path is relative, which would mean the current folder.
    if not path.is_absolute() or not path.is_file():
        return None
    return read(path, Origin.USERS, parse_toml)


def read_named_file(path: Path) -> SettingsFile:
    """Read a file that the user named; UsageError if it can't be read."""
    file = read(path, Origin.NAMED, parse_toml)
    return _tool_table(file) or _with_values(file, {}) if path.name == _PYPROJECT else file


def find_file(folder: Path) -> SettingsFile | None:
    """Return mfwb.toml of a folder, else its pyproject.toml if that has a table [tool.mfwb]."""
    own = folder / _NAME
    if own.is_file():
        return read(own, Origin.DISCOVERED, parse_toml)
    project = folder / _PYPROJECT
    return _tool_table(read(project, Origin.DISCOVERED, parse_toml)) if project.is_file() else None


def read(path: Path, origin: Origin, parse: Callable[[bytes], dict[str, Any]]) -> SettingsFile:
    """Read a settings file.

    Args:
        path: the path of the file.
        origin: why it is read.
        parse: returns the values of the file's bytes, or raises ValueError.

    Raises:
        UsageError: it can't be read, or is not valid.
    """
    try:
        with path.open("rb") as file:
            is_foreign = _is_foreign(os.fstat(file.fileno()))
            data = file.read(_SIZE_LIMIT + 1)
        if len(data) > _SIZE_LIMIT:
            raise UsageError(
                f"{path}: it has more than {_SIZE_LIMIT:,} bytes, which no settings need"
            )
        values = parse(data)
        real_path = path.parent.resolve() / path.name
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: it is nested too deeply") from None
    return SettingsFile(path, real_path, values, origin, is_foreign)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the values of TOML; ValueError."""
    try:
        values: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not valid TOML: {error}") from None
    return values


def _tool_table(file: SettingsFile) -> SettingsFile | None:
    tools = file.values.get("tool")
    table = tools.get("mfwb") if isinstance(tools, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{file.path}: [tool.mfwb] must be a table")
    return _with_values(file, table)


def _with_values(file: SettingsFile, values: Mapping[str, Any]) -> SettingsFile:
    return SettingsFile(file.path, file.real_path, values, file.origin, file.is_foreign)


def _is_foreign(status: os.stat_result) -> bool:
    """Whether somebody other than this user or the machine's owner may have written a file."""
    if not hasattr(os, "geteuid"):
        return False
    trusted_users = {os.geteuid(), 0}
    if os.geteuid() == 0 and (user := os.environ.get("SUDO_UID", "")).isdecimal():
        trusted_users.add(int(user))
    return status.st_uid not in trusted_users or bool(status.st_mode & _ANYBODY_MAY_WRITE)
