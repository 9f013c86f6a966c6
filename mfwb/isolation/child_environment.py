"""Environment variables and readable paths of the processes that load pickles."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mfwb.isolation.memory_limit import ENVIRONMENT

__all__ = ["build_environment", "list_readable_paths"]

_KEPT = frozenset(
    [
        "PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TZDIR",
        "PYTHONHOME",
        "PYTHONPLATLIBDIR",
        "PYTHONTZPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUTF8",
        "PYTHONSAFEPATH",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "DYLD_FALLBACK_LIBRARY_PATH",
        "__PYVENV_LAUNCHER__",
        "SYSTEMROOT",
    ]
)
"""Variables for the location and the locale of Python and its libraries; none holds a secret."""

_KEPT_PREFIXES = ("LC_", "ARROW_", "MALLOC_")
_SECRETS_PREFIX = "WANDB_"  # even trusted pickles do not need these

_SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/usr/lib/locale",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)
_PLUGINS = "mfwb.payloads"


def build_environment(given: Mapping[str, str], *, trusted: bool) -> dict[str, str]:
    """Return the environment variables that the process is started with.

    Trusted pickles may need those of the flow run, as those of a cloud. Other pickles get no
    variable that could be a secret.
    """
    if trusted:
        kept = {key: value for key, value in given.items() if not key.startswith(_SECRETS_PREFIX)}
    else:
        kept = {
            key: value
            for key, value in given.items()
            if key in _KEPT or key.startswith(_KEPT_PREFIXES)
        }
    return {**kept, **ENVIRONMENT}


@cache
def list_readable_paths(*, plugins: bool = False) -> tuple[str, ...]:
    """Return the paths that a conversion may have to read: libraries of Python and of the system.

    Args:
        plugins: whether converters of other packages will be used.

    A folder on Python's path can be somebody's home. So only packages in it are listed, not the
    folder: those that are imported, and the converters of plugins.
    """
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {path for name in names if (path := sysconfig.get_path(name))}
    paths.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    paths.update(_list_imported_paths())
    if plugins:
        paths.update(_list_plugin_paths())
    paths.update(os.path.join(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix))  # noqa: PTH118
    real = {os.path.realpath(path) for path in paths}  # links in the path are followed
    return (*_select_outermost(paths | real), *_SYSTEM)


def _select_outermost(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths that are not inside another of the paths."""
    last = None
    for path in sorted(paths, key=lambda item: f"{item}/"):
        if last is None or not f"{path}/".startswith(f"{last}/"):
            yield path
            last = path


def _list_imported_paths() -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." not in name and isinstance(file, str):
            path = Path(file)
            yield str(path.parent if path.stem == "__init__" else path)


def _list_plugin_paths() -> Iterator[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - this import is slow

    for entry in entry_points(group=_PLUGINS):
        try:
            spec = find_spec(entry.module.partition(".")[0])
        except (ImportError, ValueError):
            continue  # the error is reported when the plugin is used
        if spec is not None:
            yield from spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
        if entry.dist is not None:  # the folder of its metadata
            yield str(entry.dist.locate_file(""))
