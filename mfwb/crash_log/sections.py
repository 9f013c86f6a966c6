"""The sections of the log of a bug. Each of them may fail, and then says so: a log is written."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

from mfwb.config import latest_layers
from mfwb.operations import MAX_OPERATIONS, last_operations
from mfwb.redaction import MASK
from mfwb.settings_files.sensitivity import HARMLESS_OF_WANDB, SENSITIVE
from mfwb.settings_in_force import list_settings
from mfwb.version import __version__

__all__ = ["issue_address", "write_sections"]

_ALSO = ("ob-metaflow", "boto3", "pydantic-core")  # packages that are not declared, and matter
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


def write_sections(arguments: str) -> Iterator[str]:
    """Yield the lines of the log before the traceback.

    Args:
        arguments: of the command line, without secrets.
    """
    yield f"mfwb {__version__}"
    yield f"arguments: {arguments}"
    yield f"python {sys.version}"
    yield f"platform: {platform.platform()}"
    yield from _section("", _versions)
    yield from _section("How to report it", _how_to_report)
    yield from _section("Settings that are not the default", _settings)
    yield from _section(f"Last operations, of which at most {MAX_OPERATIONS} are kept", _operations)
    yield from ("", "Traceback", "---------")


def issue_address() -> str | None:
    """Return the address where bugs are reported; None if the package names none."""
    try:
        urls = metadata.metadata("mfwb").get_all("Project-URL") or ()
    except metadata.PackageNotFoundError:  # it runs from a folder
        return None
    named = {name.strip().lower(): url.strip() for name, _, url in (u.partition(",") for u in urls)}
    return named.get("issues")


def _section(title: str, lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    if title:
        yield from ("", title, "-" * len(title))
    try:
        yield from lines()
    except Exception as error:  # noqa: BLE001 - the log of one bug must not end by another one
        yield f"(not available: {type(error).__name__}: {error})"


def _versions() -> Iterator[str]:
    for package in sorted({*_dependencies(), *_ALSO}):
        version = _version(package)
        if version is not None or package not in _ALSO:
            yield f"{package} {version or 'is not installed'}"


def _dependencies() -> set[str]:
    try:
        declared = metadata.requires("mfwb") or ()
    except metadata.PackageNotFoundError:
        return {"metaflow", "wandb", "click", "pandas", "platformdirs", "pyarrow", "pydantic"}
    names = {match[0] for line in declared if (match := _REQUIREMENT.match(line))}
    return names - ({"tomli"} if sys.version_info >= (3, 11) else set())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _how_to_report() -> Iterator[str]:
    where = issue_address() or "mfwb's issue tracker"
    yield f"Paste this file into a new issue: {where}"
    yield "Secrets are masked. Names and paths of yours are in it: look through it before."


def _settings() -> Iterator[str]:
    rows = list_settings(latest_layers())
    for setting in rows:
        value: Any = MASK if _is_sensitive(setting.name) else setting.value
        yield f"{setting.name} = {value!r}  ({setting.source})"
    if not rows:
        yield "none"


def _is_sensitive(name: str) -> bool:
    """Whether a setting can name hosts, keys or files of this machine: its value is not needed."""
    *tables, field = name.split(".")
    if "settings" in tables:
        return tables[-1] != "settings" or field not in HARMLESS_OF_WANDB
    return field in SENSITIVE


def _operations() -> Iterator[str]:
    """Yield a line for each operation."""
    operations = last_operations()
    yield from map(str, operations)
    if not operations:
        yield "none"
