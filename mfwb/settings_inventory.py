"""Inventory of settings files in a folder, of mfwb and of the SDKs, and whether each is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mfwb.config import find_sensitive, select_config_file
from mfwb.errors import UsageError
from mfwb.settings_files import (
    SettingsFile,
    Trust,
    current_folder,
    find_file,
    find_metaflow_file,
    find_users_file,
    find_wandb_file,
    read_named_file,
    refusal_reason,
)
from mfwb.settings_files.metaflow_config import read_metaflow_file, sensitive_in_metaflow_file
from mfwb.settings_files.wandb_settings import read_wandb_file, sensitive_in_wandb_file
from mfwb.url_origins import origin_of

__all__ = [
    "CheckedFile",
    "list_active_files",
    "list_files_to_trust",
    "list_folder_files",
    "list_paths_to_untrust",
]


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A settings file with the names of its sensitive settings."""

    file: SettingsFile
    sensitive: tuple[str, ...]

    def refusal_reason(self, trust: Trust) -> str | None:
        """Return why the file is not used; None if it is used."""
        return refusal_reason(self.file, self.sensitive, trust)

    @property
    def sends_key_in_the_clear(self) -> bool:
        """Whether it names a server on another machine to which keys are sent unencrypted."""
        return any(_is_in_the_clear(url) for url in _urls(self.file.values))


def list_active_files(config: Path | None = None) -> list[CheckedFile]:
    """Return all settings files that apply in the current folder, lowest first; UsageError.

    Args:
        config: the file of `--config`.
    """
    folder, named = current_folder(), select_config_file(config)
    current = read_named_file(named) if named else find_file(folder)
    return [*_check_own(find_users_file()), *_check_own(current), *_check_sdk_files(folder)]


def list_folder_files(folder: Path) -> list[CheckedFile]:
    """Return the settings files of a folder; UsageError."""
    return [*_check_own(find_file(folder)), *_check_sdk_files(folder)]


def list_files_to_trust(path: Path | None) -> list[CheckedFile]:
    """Return the files for `mfwb config trust`; UsageError if there is none.

    Args:
        path: the file to trust; None: all files of the current folder that need it.
    """
    if path is not None:
        return [_read(path)]
    files = list_folder_files(current_folder())
    untrusted = [file for file in files if file.sensitive or file.file.is_foreign]
    if not untrusted:
        raise UsageError(
            "there is nothing to trust here: no file of this folder has sensitive settings"
        )
    return untrusted


def list_paths_to_untrust(path: Path | None) -> list[Path]:
    """Return the paths for `mfwb config untrust`, whether or not the files exist."""
    if path is not None:
        return [path.parent.resolve() / path.name]
    folder = current_folder().resolve()
    names = ("mfwb.toml", "pyproject.toml", "wandb/settings", ".wandb/settings")
    metaflow = (parent / ".metaflow" / "config.json" for parent in (folder, *folder.parents))
    paths = [*(folder / name for name in names), *metaflow]
    return [path.parent.resolve() / path.name for path in paths]


def _read(path: Path) -> CheckedFile:
    """Read a file, with the format that belongs to its name."""
    if path.name == "settings" and path.parent.resolve().name in {"wandb", ".wandb"}:
        file = read_wandb_file(path)
        return CheckedFile(file, tuple(sensitive_in_wandb_file(file.values)))
    if path.name == "config.json":
        file = read_metaflow_file(path)
        return CheckedFile(file, tuple(sensitive_in_metaflow_file(file.values)))
    file = read_named_file(path)
    return CheckedFile(file, tuple(find_sensitive(file)))


def _check_own(file: SettingsFile | None) -> list[CheckedFile]:
    return [CheckedFile(file, tuple(find_sensitive(file)))] if file is not None else []


def _check_sdk_files(folder: Path) -> list[CheckedFile]:
    files = []
    if (file := find_wandb_file(folder)) is not None:
        files.append(CheckedFile(file, tuple(sensitive_in_wandb_file(file.values))))
    if (file := find_metaflow_file(folder)) is not None:
        files.append(CheckedFile(file, tuple(sensitive_in_metaflow_file(file.values))))
    return files


def _urls(values: object) -> list[str]:
    if isinstance(values, dict):
        return [url for value in values.values() for url in _urls(value)]
    return [values.removeprefix("service@")] if isinstance(values, str) else []


def _is_in_the_clear(url: str) -> bool:
    scheme, host, _ = origin_of(url)
    return scheme == "http" and host not in {"localhost", "::1"} and not host.startswith("127.")
