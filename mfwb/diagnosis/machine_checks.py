"""Checks of this machine: disk space, limits, confinement of child processes, and proxies."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from mfwb.conversion.confinement_status import read_confinement
from mfwb.diagnosis.check import Check, failed, passed, warned
from mfwb.open_files import FILES_PER_RUN, OTHER_FILES
from mfwb.redaction import mask_url_users

__all__ = ["Limits", "check_confinement", "check_disk", "check_limits", "check_proxies"]

_GROUP = "This machine"

_LITTLE, _TOO_LITTLE = 2 * 10**9, 100 * 10**6  # bytes; artifacts in flight lie on the disk
_FEW_PROCESSES = 512  # threads count, too; wandb-core alone has some dozen
_LITTLE_ADDRESS_SPACE = 8 * 10**9
"""Bytes; wandb-core and pyarrow reserve some gigabytes of addresses that they never use."""

Limits = Mapping[int, int]
"""Soft limits by their numbers in `resource`; RLIM_INFINITY: none."""


def check_disk(
    folders: Mapping[str, Path],
    *,
    free_of: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Iterator[Check]:
    """Yield a check of the space in each folder, or where it will be made.

    Args:
        folders: by what they are for.
        free_of: returns the free bytes at an existing path; OSError.
    """
    for purpose, folder in folders.items():
        name = f"disk: {purpose}"
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            free = free_of(existing)
        except OSError as error:
            yield failed(_GROUP, name, f"{folder} can't be used: {error.strerror}", _ELSEWHERE)
            continue
        if not os.access(existing, os.W_OK | os.X_OK):
            yield failed(_GROUP, name, f"{existing} can't be written by this user", _ELSEWHERE)
        elif free < _TOO_LITTLE:
            yield failed(_GROUP, name, f"{_size(free)} free at {existing}", _ELSEWHERE)
        elif free < _LITTLE:
            yield warned(_GROUP, name, f"{_size(free)} free at {existing}", _ELSEWHERE)
        else:
            yield passed(_GROUP, name, f"{_size(free)} free at {existing}")


_ELSEWHERE = "make room, or choose another folder: MFWB_STATE_DIR, TMPDIR, --dir"


def check_limits(workers: int, limits: Limits | None = None) -> Iterator[Check]:
    """Yield a check of each limit of this process that a sync may meet.

    Args:
        workers: the number of W&B runs that are written at a time.
        limits: the limits; None: those of this process.
    """
    values = limits if limits is not None else _own_limits()
    files = values[resource.RLIMIT_NOFILE]
    needed = workers * FILES_PER_RUN + OTHER_FILES
    if _is_below(files, needed):
        advice = f"run `ulimit -n {max(1024, needed)}` before, or use fewer --workers"
        text = f"{files:,} are allowed, and {workers} workers need about {needed}"
        yield failed(_GROUP, "open files", text, advice)
    else:
        yield passed(_GROUP, "open files", f"{_number(files)} are allowed, which is enough")
    processes = values[resource.RLIMIT_NPROC]
    if _is_below(processes, _FEW_PROCESSES):
        text = f"{processes:,} are allowed for this user, threads included"
        advice = f"run `ulimit -u {_FEW_PROCESSES * 4}` before, or use fewer --workers"
        yield warned(_GROUP, "processes", text, advice)
    else:
        yield passed(_GROUP, "processes", f"{_number(processes)} are allowed, which is enough")
    space = values[resource.RLIMIT_AS]
    if _is_below(space, _LITTLE_ADDRESS_SPACE):
        text = f"{_size(space)} of addresses are allowed, and wandb-core may not start with these"
        yield warned(_GROUP, "address space", text, "run `ulimit -v unlimited` before")
    else:
        yield passed(_GROUP, "address space", f"{_bytes(space)}, which is enough")


def check_confinement() -> Check:
    """Return a check of what confines the processes that load pickles."""
    name = "confinement"
    mechanisms = read_confinement()
    if not mechanisms:
        return warned(
            _GROUP,
            name,
            "no process for pickles can be started, so that none is loaded",
            "tables and arrays go as pickles; look for what forbids to start processes here",
        )
    if not any(mechanism.startswith("Landlock") for mechanism in mechanisms):
        return warned(
            _GROUP,
            name,
            f"pickles are loaded under {', '.join(mechanisms)}; this system has no Landlock",
            "Linux 5.13 or newer has it; docs/security.md says what that changes",
        )
    return passed(_GROUP, name, f"pickles are loaded under {', '.join(mechanisms)}")


def check_proxies(servers: Mapping[str, str | None]) -> Check:
    """Return a check that says which proxies are set, and for which ends they count.

    Args:
        servers: hosts by the names of the ends; None: the end has none.
    """
    proxies = {name: url for name, url in getproxies().items() if name in {"http", "https", "all"}}
    if not proxies:
        return passed(_GROUP, "proxies", "none is set")
    shown = ", ".join(f"{name} {mask_url_users(url)}" for name, url in sorted(proxies.items()))
    through = [name for name, host in servers.items() if host and not proxy_bypass(host)]
    ends = f"for {' and '.join(through)}" if through else "NO_PROXY excepts both ends"
    return passed(_GROUP, "proxies", f"{shown}; {ends}")


def _own_limits() -> Limits:
    kinds = (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_AS)
    return {kind: resource.getrlimit(kind)[0] for kind in kinds}


def _is_below(limit: int, needed: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < needed


def _number(limit: int) -> str:
    return "any number" if limit == resource.RLIM_INFINITY else f"{limit:,}"


def _bytes(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else _size(limit)


def _size(number: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
