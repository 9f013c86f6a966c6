"""What the process that converts pickles gets to see of the machine."""

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

__all__ = ["environment", "readable"]

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
"""Variables that Python and its libraries need to be found and to speak; none holds a secret."""

_KEPT_PREFIXES = ("LC_", "ARROW_", "MALLOC_")
_SECRETS_PREFIX = "WANDB_"  # not even what is trusted has use for these

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


def environment(given: Mapping[str, str], *, trusted: bool) -> dict[str, str]:
    """Return the variables that the process is started with.

    What is trusted may need those of the flow run, as those of a cloud; what is not gets none that
    could be a secret.
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
def readable(*, plugins: bool = False) -> tuple[str, ...]:
    """Return what a conversion may have to read: Python's libraries, and those of the system.

    Args:
        plugins: whether the converters of other packages are going to be used.

    A folder on Python's path can be anybody's home, so it is the packages in it that count: those
    that are imported, and the converters of plugins.
    """
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {path for name in names if (path := sysconfig.get_path(name))}
    paths.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    paths.update(_of_imported())
    if plugins:
        paths.update(_of_plugins())
    paths.update(os.path.join(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix))  # noqa: PTH118
    real = {os.path.realpath(path) for path in paths}  # links on the way are followed
    return (*_outermost(paths | real), *_SYSTEM)


def _outermost(paths: Iterable[str]) -> Iterator[str]:
    """Yield those of the paths that are not inside another one."""
    last = None
    for path in sorted(paths, key=lambda one: f"{one}/"):
        if last is None or not f"{path}/".startswith(f"{last}/"):
            yield path
            last = path


def _of_imported() -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." not in name and isinstance(file, str):
            path = Path(file)
            yield str(path.parent if path.stem == "__init__" else path)


def _of_plugins() -> Iterator[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - it takes a moment

    for entry in entry_points(group=_PLUGINS):
        try:
            spec = find_spec(entry.module.partition(".")[0])
        except (ImportError, ValueError):
            continue  # it will be said when it is used
        if spec is not None:
            yield from spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
        if entry.dist is not None:  # where it says what it has
            yield str(entry.dist.locate_file(""))
