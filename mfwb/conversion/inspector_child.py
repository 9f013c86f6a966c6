"""The program of the process that looks at pickles without pandas; `inspector` asks it.

A request is a line of JSON on stdin, what to look for and how long the pickles are, and then these.
Its answer is a line on stdout: for each pickle a pair of what was found and why nothing was.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, BinaryIO

from mfwb import pickles
from mfwb.conversion.instances import VALUES
from mfwb.conversion.json_safe import DEPTH_LIMIT, json_size, to_json
from mfwb.conversion.path_values import is_relative, load_path
from mfwb.conversion.plain_values import decode
from mfwb.errors import ItemLost
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.isolation.confine import confine_process
from mfwb.isolation.memory_limit import cap_memory, release_memory
from mfwb.pickles.allowlist import PATHS
from mfwb.pickles.content_digest import content_digest
from mfwb.pickles.packages import read_names_at_start

__all__ = [
    "Answer",
    "Inspect",
    "Inspection",
    "inspect_here",
    "preload",
    "preload_more",
    "run_worker",
]

_SECONDS = 10.0  # of processor time
_SECONDS_PER_MB = 3.0


class Inspection(str, Enum):
    """What can be told of a pickle."""

    DIGEST = "digest"  # of its content
    INSIDE = "inside"  # names, what it does with them, and whether it can be a value
    NAMES = "names"  # that it refers to
    NAMES_AT_START = "names at start"  # of which only the beginning is there
    SIZE = "size"  # of a plain value, as characters of JSON
    VALUE = "value"  # that is plain
    VALUE_WITHOUT_NAMES = "value without names"
    SHOWN = "shown"  # what can be read of what is more than a value


Answer = tuple[Any, str | None]
"""What was found, and, if that is nothing at all, why."""

Inspect = Callable[[str, Inspection, Sequence[bytes]], list[Answer]]
"""Looks at pickles of a flow run."""


def inspect_here(_flow_run: str, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
    """Look at pickles in this very process, which should be none that matters."""
    return [_looked_at(look, data) for data in pickled]


def preload(*, trusted: bool) -> None:  # noqa: ARG001 - nothing is trusted here
    """Find out what takes a moment; the imports are above."""
    list_readable_paths()


def preload_more() -> None:
    """Import what many need, where there are many: numbers of numpy's are common."""
    with suppress(ImportError):
        import numpy as np  # noqa: F401, PLC0415


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:  # noqa: ARG001 - as all programs
    """Answer requests until there are no more.

    Args:
        max_memory: bytes that this process may take for them.
        folder: that it may do nothing in.
        trusted: plays no part.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    release_memory()
    cap_memory(max_memory, threads=0)
    _say(answers, {"confined": ", ".join(confine_process((), ()))})
    with os.fdopen(0, "rb") as requests:
        for line in requests:
            request = json.loads(line)
            pickled = [requests.read(size) for size in request["sizes"]]
            _limit_time(sum(request["sizes"]))
            _say(answers, [_looked_at(Inspection(request["look"]), data) for data in pickled])
            release_memory()
    os._exit(0)


def _say(answers: BinaryIO, said: Any) -> None:
    answers.write(json.dumps(said).encode() + b"\n")
    answers.flush()


def _limit_time(size: int) -> None:
    """End this process when it has worked for too long: nobody handles the signal."""
    signal.setitimer(signal.ITIMER_PROF, _SECONDS + _SECONDS_PER_MB * size / 1_000_000)


def _looked_at(look: Inspection, data: bytes) -> Answer:
    try:
        return _LOOKS[look](data), None
    except ItemLost as error:
        return None, str(error)
    except MemoryError:
        return None, "there is not enough memory for it"


def _names(data: bytes) -> tuple[str, ...] | None:
    try:
        return pickles.read_names(data)
    except ValueError:
        return None


def _inside(data: bytes) -> dict[str, Any] | None:
    """Return what the type that Metaflow recorded does not say; None of a damaged pickle."""
    try:
        mentions = pickles.read_mentions(data)
    except ValueError:
        return None
    size, why = None, None
    if _may_be_no_value(data, mentions):
        try:
            size = _size(data)
        except ItemLost as error:
            why = str(error)
    return {
        "names": mentions.names,
        "only_named": mentions.only_named,
        "size": size,
        "no_value": why,
        "is_relative": _is_relative(data, mentions),
    }


def _is_relative(data: bytes, mentions: pickles.Mentions) -> bool | None:
    """Whether this is a path that starts nobody knows where; None if it is no path."""
    if not mentions.names or not all(name in PATHS for name in mentions.names):
        return None
    try:
        return is_relative(load_path(data))
    except ItemLost:  # a list of paths
        return None


def _may_be_no_value(data: bytes, mentions: pickles.Mentions) -> bool:
    """Whether what looks plain may be none: it contains itself, is too deep, names what it can't.

    Names are followed to see that; what has none is as its opcodes spell it out.
    """
    if len(data) > _VALUE_LIMIT or not all(name in VALUES for name in mentions.names):
        return False
    is_deep = sum(data.count(code) for code in _NESTING) > DEPTH_LIMIT
    return is_deep or bool(mentions.names) or any(code in data for code in _FETCHING)


_VALUE_LIMIT = 100_000  # bytes; what is larger is no value of the summary
_NESTING = (b"]", b"}", b"(", b"\x8f", b"\x85", b"\x86", b"\x87", b"R")
"""What begins or makes what holds something."""
_FETCHING = (b"h", b"j", b"g")
"""What fetches from the memo, as whoever contains himself has to."""


def _size(data: bytes) -> int:
    return json_size(to_json(decode(data).json))


def _value(data: bytes) -> tuple[Any, bool]:
    found = decode(data)
    return found.json, found.is_series


def _shown(data: bytes) -> tuple[Any, bool]:
    found = decode(data, "shown")
    return found.json, found.is_series


def _value_without_names(data: bytes) -> tuple[Any, bool]:
    found = decode(data, "never")
    return found.json, found.is_series


_LOOKS: dict[Inspection, Callable[[bytes], Any]] = {
    Inspection.DIGEST: content_digest,
    Inspection.INSIDE: _inside,
    Inspection.NAMES: _names,
    Inspection.NAMES_AT_START: read_names_at_start,
    Inspection.SIZE: _size,
    Inspection.VALUE: _value,
    Inspection.SHOWN: _shown,
    Inspection.VALUE_WITHOUT_NAMES: _value_without_names,
}
