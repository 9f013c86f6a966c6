"""Files that the user trusts, by path and content."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, ValidationError

from mfwb.errors import UsageError
from mfwb.files.private_files import make_folder
from mfwb.settings_files.discovery import SettingsFile

__all__ = ["Trust", "load_trust"]

_NAME = "trusted.json"
_SIZE_LIMIT = 4 * 2**20  # bytes
_OTHERS_ACCESS = stat.S_IRWXG | stat.S_IRWXO


class _Record(BaseModel):
    """Content of the file: digests of settings files, by path."""

    model_config = ConfigDict(defer_build=True)

    version: int = 1
    files: dict[str, str] = {}


class Trust:
    """Files that the user trusts; stored in a file that nobody else may read or write."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def includes(self, file: SettingsFile) -> bool:
        """Return whether the user trusts the present content of a file."""
        return self._read().files.get(str(file.real_path)) == file.digest

    def add(self, file: SettingsFile) -> None:
        """Trust the present content of a file; UsageError if that can't be stored."""
        record = self._read()
        self._write({**record.files, str(file.real_path): file.digest})

    def remove(self, real_path: Path) -> bool:
        """Stop trusting a file; return whether it was trusted."""
        files = dict(self._read().files)
        was_trusted = files.pop(str(real_path), None) is not None
        if was_trusted:
            self._write(files)
        return was_trusted

    def _read(self) -> _Record:
        """Return the stored record; an empty one if somebody else may have written it."""
        try:
            with self.file.open("rb") as opened:
                status = os.fstat(opened.fileno())
                data = opened.read(_SIZE_LIMIT)
        except OSError:
            return _Record()
        if status.st_mode & _OTHERS_ACCESS or (hasattr(os, "geteuid") and not _is_own(status)):
            return _Record()
        try:
            return _Record.model_validate_json(data)
        except ValidationError:  # damaged: then nothing is trusted
            return _Record()

    def _write(self, files: Mapping[str, str]) -> None:
        try:
            make_folder(self.file.parent)
            text = json.dumps({"version": 1, "files": files}, indent=1)
            descriptor, name = tempfile.mkstemp(dir=self.file.parent, prefix=_NAME)  # 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(text)
            Path(name).replace(self.file)
        except OSError as error:
            raise UsageError(f"{self.file}: {error.strerror}") from None


def load_trust(environ: Mapping[str, str] = os.environ) -> Trust:
    """Return the files that the user trusts.

    A relative MFWB_STATE_DIR does not count here: it would be in the folder that is checked.
    """
    home = Path(environ.get("MFWB_STATE_DIR") or ".")
    return Trust((home if home.is_absolute() else user_state_path("mfwb")) / _NAME)


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()
