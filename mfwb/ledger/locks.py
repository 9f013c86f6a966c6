"""One sync at a time for each entity and project, by locks of the operating system.

Such a lock goes with its owner, however that one ends. A file beside it says who has it.
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

__all__ = ["hold"]

_POLL_SECONDS = 0.1
_LONGEST = 100_000  # bytes of what says who has a lock
_LONG = 60  # letters of a name that are kept for people
_NOT_FOR_NAMES = re.compile(r"[^A-Za-z0-9._-]")


@contextmanager
def hold(folder: Path, destinations: Iterable[Destination], *, wait: float) -> Iterator[None]:
    """Keep others away from some entities and projects meanwhile.

    Args:
        folder: where the locks are, made if there is none.
        destinations: whose entities and projects; servers and modes don't matter.
        wait: seconds to wait for others, for all locks together.

    Raises:
        LockHeld: naming who has a lock, if that one is not done in time.
        UsageError: if there can be no locks in the folder.
    """
    deadline = time.monotonic() + wait
    # In the same order by all, so that two can't wait for each other.
    places = sorted({(one.entity or "", one.project) for one in destinations})
    with ExitStack() as stack:
        for entity, project in places:
            where = f"{entity}/{project}" if entity else project
            base = folder / _file_name(where)
            stack.enter_context(_hold_one(base, where, wait=wait, deadline=deadline))
        yield


def _file_name(where: str) -> str:
    """Return a name that any file system takes, and that no other place has."""
    readable = _NOT_FOR_NAMES.sub("_", where)[:_LONG]
    return f"{readable}-{sha256(where.encode()).hexdigest()[:12]}"


@contextmanager
def _hold_one(base: Path, where: str, *, wait: float, deadline: float) -> Iterator[None]:
    owner = base.with_name(f"{base.name}.json")
    path = base.with_name(f"{base.name}.lock")
    try:
        make_folder(base.parent)
        _refuse_links(base.parent, path, owner)
        mode = file_mode_in(base.parent)
        lock = FileLock(path, thread_local=False, mode=mode)
        lock.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=_POLL_SECONDS)
    except Timeout:
        raise LockHeld(_refusal(owner, where, wait)) from None
    except (OSError, NotImplementedError) as error:  # older filelocks say the latter of ENOSYS
        raise UsageError(f"the lock {path} can't be used: {error}") from None
    try:
        # Who it is helps people, and no lock hangs on it: a full disk is no reason to stop here.
        with suppress(OSError):
            path.chmod(mode)  # of the first one, the umask may have taken the group's
        with suppress(OSError):
            overwrite(owner, _who_we_are().encode(), mode)
        yield
    finally:
        # Before the lock is free: afterwards it may be another one's.
        with suppress(OSError):
            owner.unlink()
        lock.release()


def _refuse_links(*paths: Path) -> None:
    """Raise if something that is written to may lie elsewhere: opening a lock empties it."""
    for path in paths:
        if path.is_symlink():
            raise PermissionError(f"{path.name} is a link")


def _who_we_are() -> str:
    return json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),  # as `ps` tells anybody
        }
    )


def _refusal(owner: Path, where: str, wait: float) -> str:
    advice = f"{format_duration(wait)} were not enough" if wait else "wait for it with --wait 10m"
    return f"another sync{_who_has_it(owner)} works on {where}; {advice}"


def _who_has_it(owner: Path) -> str:
    """Return ` (pid 123 on host, for 4 minutes)`; nothing if that can't be told, or not yet."""
    try:
        told = json.loads(read_below(owner.parent, owner.name, most=_LONGEST))
        since = datetime.fromisoformat(told["since"])
        age = (datetime.now(timezone.utc) - since).total_seconds()
        return f" (pid {int(told['pid'])} on {told['host']}, for {format_duration(age)})"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ""
