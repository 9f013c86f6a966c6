"""Program of the process that converts pickles; `forkserver` starts it, `converter` uses it.

A request is a line of JSON on stdin with the fields of a `Job`. Its answer is a line of JSON on
stdout, `{"outcome": ...}`. Before the first answer the process reports what confines it. It exits
at the end of stdin, as when the parent was killed.
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
"""Folders inside the folder of a process: the first is only readable, the second writable."""

Answer = dict[str, str]
"""`outcome` is one of the four constants above.

DONE comes with `altered`, the result of `convert`; UNCONVERTIBLE comes with the `reason`.
"""

_REASON_LIMIT = 300  # characters


def preload(*, trusted: bool) -> None:
    """Import slow modules before the first request."""
    with suppress(ImportError):  # each request then fails with this error
        import pandas as pd  # noqa: F401, PLC0415
        import pyarrow.parquet as pq  # noqa: F401, PLC0415
    if trusted:
        prepare_to_trust()
    else:
        list_readable_paths(plugins=True)


def preload_more() -> None:
    """Do nothing: `preload` imports everything."""


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:
    """Answer requests until there are no more.

    Args:
        max_memory: bytes of memory that this process may take for them.
        folder: its own folder, the only one that it may write to unless it is trusted.
        trusted: whether pickles may run any code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the parent, which decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries must not be taken for an answer
    _use_all_processors()
    release_memory()
    cap_memory(max_memory)
    _write_answer(answers, {"confined": ", ".join(() if trusted else _confine(folder))})
    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(requests,), daemon=True).start()
    while True:
        _write_answer(answers, answer(_parse_job(requests.get(), trusted=trusted)))
        release_memory()


def _use_all_processors() -> None:
    """Let pyarrow start threads, which it must not do before the fork."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.set_cpu_count(os.cpu_count() or 1)


def _confine(folder: str) -> tuple[str, ...]:
    inbox, outbox = (os.path.join(folder, name) for name in (INBOX, OUTBOX))  # noqa: PTH118
    return confine_process((inbox,), (outbox,), plugins=True)


def _write_answer(answers: BinaryIO, answer: Answer) -> None:
    with suppress(BrokenPipeError):  # the parent is gone
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def answer(job: Job) -> Answer:
    """Convert a pickle, and return the outcome."""
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
    """Queue requests; exit the process at the end of stdin, even during a conversion."""
    with os.fdopen(0, "rb") as lines:
        for line in lines:
            requests.put(line)
    os._exit(0)  # there is nothing to clean up, and a regular exit with pandas loaded is slow


def _parse_job(line: bytes, *, trusted: bool) -> Job:
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
