"""The files that have a say in a folder, mfwb's own and those of the SDKs, and whether they may."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mfwb.config import config_named, sensitive_in
from mfwb.errors import UsageError
from mfwb.settings_files import (
    SettingsFile,
    Trust,
    current_folder,
    doubts,
    find_file,
    find_metaflow_file,
    find_wandb_file,
    named_file,
    users_file,
)
from mfwb.settings_files.metaflow_config import read_metaflow_file, sensitive_in_metaflow_file
from mfwb.settings_files.wandb_settings import read_wandb_file, sensitive_in_wandb_file
from mfwb.url_origins import origin_of

__all__ = ["FileInDoubt", "files_in_force", "files_of_folder", "files_to_trust", "places_of"]


@dataclass(frozen=True, slots=True)
class FileInDoubt:
    """A file, and what it says that could do harm."""

    file: SettingsFile
    sensitive: tuple[str, ...]

    def refused(self, trust: Trust) -> str | None:
        """Return why it does not count; None if it does."""
        return doubts(self.file, self.sensitive, trust)

    @property
    def sends_key_in_the_clear(self) -> bool:
        """Whether it names a server that keys go to unencrypted, on another machine."""
        return any(_is_in_the_clear(url) for url in _urls(self.file.values))


def files_in_force(config: Path | None = None) -> list[FileInDoubt]:
    """Return all files that have a say in the current folder, lowest first; UsageError.

    Args:
        config: the file that `--config` names.
    """
    here, named = current_folder(), config_named(config)
    current = named_file(named) if named else find_file(here)
    return [*_mfwbs(users_file()), *_mfwbs(current), *_of_sdks(here)]


def files_of_folder(folder: Path) -> list[FileInDoubt]:
    """Return the files that have a say because of the folder; UsageError."""
    return [*_mfwbs(find_file(folder)), *_of_sdks(folder)]


def files_to_trust(path: Path | None) -> list[FileInDoubt]:
    """Return the files that `mfwb config trust` is about; UsageError if there is none.

    Args:
        path: the one that was named; None: all of the current folder that need it.
    """
    if path is not None:
        return [_read(path)]
    found = files_of_folder(current_folder())
    needy = [one for one in found if one.sensitive or one.file.is_strangers]
    if not needy:
        raise UsageError(
            "there is nothing to trust here: no file of this folder says what could do harm"
        )
    return needy


def places_of(path: Path | None) -> list[Path]:
    """Return the places that `mfwb config untrust` is about, whether or not a file is there."""
    if path is not None:
        return [path.parent.resolve() / path.name]
    here = current_folder().resolve()
    names = ("mfwb.toml", "pyproject.toml", "wandb/settings", ".wandb/settings")
    metaflow = (one / ".metaflow" / "config.json" for one in (here, *here.parents))
    places = [*(here / name for name in names), *metaflow]
    return [one.parent.resolve() / one.name for one in places]


def _read(path: Path) -> FileInDoubt:
    """Return a file as what its name says it is."""
    if path.name == "settings" and path.parent.resolve().name in {"wandb", ".wandb"}:
        file = read_wandb_file(path)
        return FileInDoubt(file, tuple(sensitive_in_wandb_file(file.values)))
    if path.name == "config.json":
        file = read_metaflow_file(path)
        return FileInDoubt(file, tuple(sensitive_in_metaflow_file(file.values)))
    file = named_file(path)
    return FileInDoubt(file, tuple(sensitive_in(file)))


def _mfwbs(file: SettingsFile | None) -> list[FileInDoubt]:
    return [FileInDoubt(file, tuple(sensitive_in(file)))] if file is not None else []


def _of_sdks(folder: Path) -> list[FileInDoubt]:
    found = []
    if (file := find_wandb_file(folder)) is not None:
        found.append(FileInDoubt(file, tuple(sensitive_in_wandb_file(file.values))))
    if (file := find_metaflow_file(folder)) is not None:
        found.append(FileInDoubt(file, tuple(sensitive_in_metaflow_file(file.values))))
    return found


def _urls(values: object) -> list[str]:
    if isinstance(values, dict):
        return [url for one in values.values() for url in _urls(one)]
    return [values.removeprefix("service@")] if isinstance(values, str) else []


def _is_in_the_clear(url: str) -> bool:
    scheme, host, _ = origin_of(url)
    return scheme == "http" and host not in {"localhost", "::1"} and not host.startswith("127.")
