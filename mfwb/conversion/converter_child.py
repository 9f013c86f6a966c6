"""The program of the process that converts pickles; `converter` asks it, `forkserver` starts it.

A request is a line of JSON on stdin, the fields of a `Job` by name, and so is its answer on
stdout, `{"outcome": ...}`. Before the first one it says what it is confined by. The end of stdin,
as when the parent was killed, is the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO

from mfwb.conversion.convert import Conversion, Job, convert
from mfwb.conversion.trusted import prepare_to_trust
from mfwb.files.content_store import is_full
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.isolation.confine import confine_process
from mfwb.isolation.memory_limit import cap_memory, release_memory

__all__ = [
    "DONE",
    "FULL",
    "INBOX",
    "NO_MEMORY",
    "OUTBOX",
    "UNCONVERTIBLE",
    "Answer",
    "answer",
    "preload",
    "preload_more",
    "run_worker",
]

DONE = "done"
FULL = "full"
NO_MEMORY = "no memory"
UNCONVERTIBLE = "unconvertible"

INBOX, OUTBOX = "in", "out"
"""Folders in that of a process: what it may only read, and what it may write."""

Answer = dict[str, str]
"""`outcome`, which is one of these four.

If it is the first one, also what was `altered`, as `convert` says it; of the last one the `reason`.
"""

_REASON_LIMIT = 300  # characters


def preload(*, trusted: bool) -> None:
    """Import what takes long, while nobody waits."""
    with suppress(ImportError):  # then each request gets to hear of it
        import pandas as pd  # noqa: F401, PLC0415
        import pyarrow.parquet as pq  # noqa: F401, PLC0415
    if trusted:
        prepare_to_trust()
    else:
        list_readable_paths(plugins=True)


def preload_more() -> None:
    """Import more: there is no more."""


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:
    """Answer requests until there are no more.

    Args:
        max_memory: bytes that this process may take for them.
        folder: of its own. Unless it is trusted, it can't reach for anything but this.
        trusted: whether the pickles may run whatever they want to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent too, which decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _use_all_processors()
    release_memory()
    cap_memory(max_memory)
    _say(answers, {"confined": ", ".join(() if trusted else _confined(folder))})
    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(requests,), daemon=True).start()
    while True:
        _say(answers, answer(_job(requests.get(), trusted=trusted)))
        release_memory()


def _use_all_processors() -> None:
    """Undo what kept the process without threads until it was copied."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.set_cpu_count(os.cpu_count() or 1)


def _confined(folder: str) -> tuple[str, ...]:
    inbox, outbox = (os.path.join(folder, name) for name in (INBOX, OUTBOX))  # noqa: PTH118
    return confine_process((inbox,), (outbox,), plugins=True)


def _say(answers: BinaryIO, said: Answer) -> None:
    with suppress(BrokenPipeError):  # the parent is gone
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()


def answer(job: Job) -> Answer:
    """Convert a pickle, and return what came of it."""
    try:
        altered = convert(job)
    except MemoryError:
        return {"outcome": NO_MEMORY}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a pickle can raise anything
        if is_full(error):
            return {"outcome": FULL}
        reason = f"{type(error).__name__}: {error}"
        return {"outcome": UNCONVERTIBLE, "reason": reason[:_REASON_LIMIT]}
    return {"outcome": DONE, "altered": altered[:_REASON_LIMIT]}


def _receive(requests: SimpleQueue[bytes]) -> None:
    """Pass requests on, and end the process with them, whatever it is doing then."""
    with os.fdopen(0, "rb") as lines:
        for line in lines:
            requests.put(line)
    os._exit(0)  # there is nothing to tidy up, and taking pandas down takes a moment


def _job(line: bytes, *, trusted: bool) -> Job:
    request = json.loads(line)
    rows = request["rows"]
    return Job(
        conversion=Conversion(request["conversion"]),
        source=Path(request["source"]),
        target=Path(request["target"]),
        rows=None if rows is None else Path(rows),
        plugin=request["plugin"],
        trusted=trusted,
    )
