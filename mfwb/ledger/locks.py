"""Locks of the operating system: only one sync works on each entity and project.

The operating system releases such a lock when its owner ends, however it ends. A file beside the
lock describes the owner.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from mfwb.errors import LockHeld, UsageError
from mfwb.files.private_files import file_mode_in, make_folder, overwrite
from mfwb.files.rooted_files import read_below
from mfwb.ports import Destination
from mfwb.units.durations import format_duration

__all__ = ["hold_locks"]

_POLL_SECONDS = 0.1
_MAX_OWNER_BYTES = 100_000  # of the file that describes the owner
_MAX_READABLE = 60  # letters of a project path that are kept in the file name
_NOT_FOR_NAMES = re.compile(r"[^A-Za-z0-9._-]")


@contextmanager
def hold_locks(folder: Path, destinations: Iterable[Destination], *, wait: float) -> Iterator[None]:
    """Hold the locks of some entities and projects in the body of the `with` statement.

    Args:
        folder: the folder of the lock files; created if there is none.
        destinations: their entities and projects are locked; servers and modes don't matter.
        wait: seconds to wait for other owners, for all locks together.

    Raises:
        LockHeld: if another owner holds a lock and does not release it in time; it is named.
        UsageError: if the lock files can't be created or used.
    """
    deadline = time.monotonic() + wait
    # All processes lock in the same order, so that two can't wait for each other.
    projects = sorted(
        {(destination.entity or "", destination.project) for destination in destinations}
    )
    with ExitStack() as stack:
        for entity, project in projects:
            project_path = f"{entity}/{project}" if entity else project
            base = folder / _file_name(project_path)
            stack.enter_context(_hold_lock(base, project_path, wait=wait, deadline=deadline))
        yield


def _file_name(project_path: str) -> str:
    """Return a file name that any file system accepts and that is unique to a project."""
    readable = _NOT_FOR_NAMES.sub("_", project_path)[:_MAX_READABLE]
    return f"{readable}-{sha256(project_path.encode()).hexdigest()[:12]}"


@contextmanager
def _hold_lock(base: Path, project_path: str, *, wait: float, deadline: float) -> Iterator[None]:
    owner = base.with_name(f"{base.name}.json")
    path = base.with_name(f"{base.name}.lock")
    try:
        make_folder(base.parent)
        _raise_if_link(base.parent, path, owner)
        mode = file_mode_in(base.parent)
        lock = FileLock(path, thread_local=False, mode=mode)
        lock.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=_POLL_SECONDS)
    except Timeout:
        raise LockHeld(_held_message(owner, project_path, wait)) from None
    except (OSError, NotImplementedError) as error:  # older filelocks raise the latter for ENOSYS
        raise UsageError(f"the lock {path} can't be used: {error}") from None
    try:
        # The description only helps people; the lock works without it, so a full disk does not
        # matter here.
        with suppress(OSError):
            path.chmod(mode)  # when it was created, the umask may have removed the group's rights
        with suppress(OSError):
            overwrite(owner, _describe_process().encode(), mode)
        yield
    finally:
        # Before the lock is released: afterwards the file may belong to another owner.
        with suppress(OSError):
            owner.unlink()
        lock.release()


def _raise_if_link(*paths: Path) -> None:
    """Raise if a path is a link: opening a lock file empties it, and a link leads elsewhere."""
    for path in paths:
        if path.is_symlink():
            raise PermissionError(f"{path.name} is a link")


def _describe_process() -> str:
    """Return the description of this process for the file beside a lock, as JSON."""
    return json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": shlex.join(
                [Path(sys.argv[0]).name, *sys.argv[1:]]
            ),  # `ps` shows it to anybody, too
        }
    )


def _held_message(owner: Path, project_path: str, wait: float) -> str:
    advice = f"{format_duration(wait)} were not enough" if wait else "wait for it with --wait 10m"
    return f"another sync{_describe_owner(owner)} works on {project_path}; {advice}"


def _describe_owner(owner: Path) -> str:
    """Return ` (pid 123 on host, for 4 minutes)`; empty if the owner is not known, or not yet."""
    try:
        values = json.loads(read_below(owner.parent, owner.name, max_bytes=_MAX_OWNER_BYTES))
        since = datetime.fromisoformat(values["since"])
        age = (datetime.now(timezone.utc) - since).total_seconds()
        return f" (pid {int(values['pid'])} on {values['host']}, for {format_duration(age)})"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ""
