"""The log that a bug leaves: what is needed to understand it, without secrets."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from mfwb import __version__
from mfwb.own_files import create, make_folder

__all__ = ["redacted", "write_bug_log"]

_PACKAGES = ("metaflow", "wandb", "click", "pandas", "platformdirs", "pyarrow", "pydantic", "rich")
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_OF_URL = re.compile(r"(://[^\s?'\"]+\?)[^\s'\"]+")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 8  # shorter values would turn up in innocent words


def write_bug_log(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Return the file that tells of a bug; None if it can't be written anywhere."""
    text = redacted("\n".join(_lines(error, arguments)))
    name = f"bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        try:
            make_folder(folder)
            path = folder / name
            with create(path) as file:  # in a folder of everybody's, a link is not followed
                file.write(text.encode(errors="backslashreplace"))
        except OSError:
            continue
        return path
    return None


def redacted(text: str) -> str:
    """Return the text without what looks like a secret or is one of the environment's."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return _QUERY_OF_URL.sub(r"\1***", _USER_IN_URL.sub("***@", text))


def _state_folder() -> Path:
    if said := os.environ.get("MFWB_STATE_DIR"):
        return Path(said)
    from platformdirs import user_state_path  # noqa: PLC0415 - hardly ever needed

    return user_state_path("mfwb")


def _lines(error: BaseException, arguments: Sequence[str]) -> Iterator[str]:
    yield f"mfwb {__version__}"
    yield f"arguments: {shlex.join(arguments)}"
    yield f"python {sys.version}"
    yield f"platform: {platform.platform()}"
    yield from (f"{package} {_version(package)}" for package in _PACKAGES)
    yield ""
    yield "".join(traceback.format_exception(error))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"
