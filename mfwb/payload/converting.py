"""The program of the process that converts pickles; `converter` starts and asks it.

A request is a line of JSON on stdin, the fields of a `Job` by name, and so is its answer on
stdout, `{"outcome": ...}`. The end of stdin, as when the parent was killed, is the end.
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

from mfwb.payload.conversions import Conversion, Job, convert
from mfwb.payload.limits import cap_memory, give_back_memory
from mfwb.payload.store import is_full
from mfwb.payload.trusting import prepare_to_trust

__all__ = ["DONE", "FULL", "NO_MEMORY", "UNCONVERTIBLE", "Answer", "answer", "main"]

DONE = "done"
FULL = "full"
NO_MEMORY = "no memory"
UNCONVERTIBLE = "unconvertible"

Answer = dict[str, str]
"""`outcome`, which is one of these four; if it is the last one, also the `reason`."""

_REASON_LIMIT = 300  # characters


def main(max_memory: int, *, trusted: bool) -> None:
    """Answer requests until there are no more.

    Args:
        max_memory: bytes that this process may take for them.
        trusted: whether the pickles may run whatever they want to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent too, which decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(requests,), daemon=True).start()
    with suppress(ImportError):  # then each request gets to hear of it
        import pandas as pd  # noqa: F401, PLC0415 - now, while nobody waits
        import pyarrow.parquet as pq  # noqa: F401, PLC0415 - the same
    if trusted:
        prepare_to_trust()
    cap_memory(max_memory)
    while True:
        said = answer(_job(requests.get(), trusted=trusted))
        with suppress(BrokenPipeError):  # the parent is gone
            answers.write(json.dumps(said).encode() + b"\n")
            answers.flush()
        give_back_memory()


def answer(job: Job) -> Answer:
    """Convert a pickle, and return what came of it."""
    try:
        convert(job)
    except MemoryError:
        return {"outcome": NO_MEMORY}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a pickle can raise anything
        if is_full(error):
            return {"outcome": FULL}
        reason = f"{type(error).__name__}: {error}"
        return {"outcome": UNCONVERTIBLE, "reason": reason[:_REASON_LIMIT]}
    return {"outcome": DONE}


def _receive(requests: SimpleQueue[bytes]) -> None:
    """Pass requests on, and end the process with them, whatever it is doing then."""
    for line in sys.stdin.buffer:
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
