"""The program of the process that makes parquet of pickles; `converter` starts and asks it.

A request is a line of JSON on stdin, `{"form": ..., "source": ..., "target": ...}`, and so is its
answer on stdout, `{"outcome": ...}`. The end of stdin, as when the parent was killed, is the end.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from mfwb.payload.frames import load_frame, load_frames, write_parquet
from mfwb.payload.store import is_full

__all__ = [
    "DONE",
    "FULL",
    "NO_MEMORY",
    "ONE",
    "SEVERAL",
    "UNCONVERTIBLE",
    "Answer",
    "answer",
    "main",
]

ONE = "one"
SEVERAL = "several"
"""The forms of a request: the pickle is a frame, or a dict or list of frames."""

DONE = "done"
FULL = "full"
NO_MEMORY = "no memory"
UNCONVERTIBLE = "unconvertible"

Answer = dict[str, str]
"""`outcome`, which is one of these four; if it is the last one, also the `reason`."""

_NAME_LIMIT = 100  # characters; file systems take 255 bytes
_HASH_LENGTH = 8


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent too, which decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with suppress(ImportError):  # then each request gets to hear of it
        import pandas as pd  # noqa: F401, PLC0415 - now, while nobody waits
        import pyarrow.parquet as pq  # noqa: F401, PLC0415 - the same
    with suppress(BrokenPipeError):  # the parent is gone
        for line in sys.stdin.buffer:
            request = json.loads(line)
            paths = Path(request["source"]), Path(request["target"])
            answers.write(json.dumps(answer(request["form"], *paths)).encode() + b"\n")
            answers.flush()
    os._exit(0)  # there is nothing to tidy up, and taking pandas down takes a moment


def answer(form: str, source: Path, target: Path) -> Answer:
    """Convert a pickle, and return what came of it.

    Args:
        form: ONE for a parquet file, SEVERAL for a folder of them.
        source: the file of the pickle.
        target: a path at which there is nothing.
    """
    try:
        data = source.read_bytes()
        if form == ONE:
            write_parquet(load_frame(data), target)
        else:
            _write_parquets(data, target)
    except MemoryError:
        return {"outcome": NO_MEMORY}
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything
        if is_full(error):
            return {"outcome": FULL}
        return {"outcome": UNCONVERTIBLE, "reason": f"{type(error).__name__}: {error}"}
    return {"outcome": DONE}


def _write_parquets(data: bytes, folder: Path) -> None:
    folder.mkdir()
    names: set[str] = set()
    for key, frame in load_frames(data):
        name = _file_name(key, names)
        names.add(name.casefold())
        write_parquet(frame, folder / f"{name}.parquet")


def _file_name(key: str, taken: set[str]) -> str:
    """Return a key as a file name, on whatever file system; keys that would collide get a hash."""
    name = re.sub(r"[^A-Za-z0-9_\-.]", "_", key).lstrip(".") or "_"
    if len(name) <= _NAME_LIMIT and name.casefold() not in taken:
        return name
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    name = f"{name[: _NAME_LIMIT - _HASH_LENGTH - 3]}-{digest}"
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in candidates if one.casefold() not in taken)
