"""Program of the process that inspects pickles without pandas; `inspector` uses it.

A request is a line of JSON on stdin, with the inspection and the sizes of the pickles, followed by
the pickles. The answer is a line on stdout: for each pickle a pair of result and reason.
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
    """A kind of inspection of a pickle."""

    DIGEST = "digest"  # the digest of its content
    INSIDE = "inside"  # its names, how it uses them, and whether it can be a plain value
    NAMES = "names"  # the names that it refers to
    NAMES_AT_START = "names at start"  # the same, from only the beginning of the pickle
    SIZE = "size"  # the characters of its plain value as JSON
    VALUE = "value"  # its plain value
    VALUE_WITHOUT_NAMES = "value without names"
    SHOWN = "shown"  # a readable form of an object that is not a plain value


Answer = tuple[Any, str | None]
"""The result, and, if that is None, the reason."""

Inspect = Callable[[str, Inspection, Sequence[bytes]], list[Answer]]
"""Inspects pickles of a flow run."""


def inspect_here(_flow_run: str, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
    """Inspect pickles in the current process, which should be expendable."""
    return [_inspect(look, data) for data in pickled]


def preload(*, trusted: bool) -> None:  # noqa: ARG001 - nothing is trusted here
    """Fill the cache of readable paths, which is slow; this module has imported the rest."""
    list_readable_paths()


def preload_more() -> None:
    """Import numpy, which pays off with several flow runs: numpy numbers are common."""
    with suppress(ImportError):
        import numpy as np  # noqa: F401, PLC0415


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:  # noqa: ARG001 - as all programs
    """Answer requests until there are no more.

    Args:
        max_memory: bytes of memory that this process may take for them.
        folder: not used: this process may write nowhere.
        trusted: not used: no pickle is trusted here.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    release_memory()
    cap_memory(max_memory, threads=0)
    _write_answer(answers, {"confined": ", ".join(confine_process((), ()))})
    with os.fdopen(0, "rb") as requests:
        for line in requests:
            request = json.loads(line)
            pickled = [requests.read(size) for size in request["sizes"]]
            _limit_time(sum(request["sizes"]))
            inspection = Inspection(request["look"])
            _write_answer(answers, [_inspect(inspection, data) for data in pickled])
            release_memory()
    os._exit(0)


def _write_answer(answers: BinaryIO, answer: Any) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _limit_time(size: int) -> None:
    """Let a signal without a handler end this process when it has worked for too long."""
    signal.setitimer(signal.ITIMER_PROF, _SECONDS + _SECONDS_PER_MB * size / 1_000_000)


def _inspect(look: Inspection, data: bytes) -> Answer:
    try:
        return _INSPECTIONS[look](data), None
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
    """Return details that the recorded type does not reveal; None for a damaged pickle."""
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
        "reference": _reference(data),
    }


def _reference(data: bytes) -> Any:
    """Return a dict that may refer to a checkpoint, as JSON; None for any other value."""
    if len(data) > _VALUE_LIMIT or not all(key in data for key in _KEYS_OF_REFERENCES):
        return None
    try:
        value = to_json(decode(data).json)
    except ItemLost:
        return None
    return value if isinstance(value, dict) else None


def _is_relative(data: bytes, mentions: pickles.Mentions) -> bool | None:
    """Whether this is a relative path, whose start is unknown; None if it is not a path."""
    if not mentions.names or not all(name in PATHS for name in mentions.names):
        return None
    try:
        return is_relative(load_path(data))
    except ItemLost:  # a list of paths
        return None


def _may_be_no_value(data: bytes, mentions: pickles.Mentions) -> bool:
    """Whether a value that looks plain may not be: recursive, too deep, or with other names.

    Only a pickle with names has to be loaded to see that; without names the opcodes suffice.
    """
    if len(data) > _VALUE_LIMIT or not all(name in VALUES for name in mentions.names):
        return False
    is_deep = sum(data.count(code) for code in _NESTING) > DEPTH_LIMIT
    return is_deep or bool(mentions.names) or any(code in data for code in _FETCHING)


_VALUE_LIMIT = 100_000  # bytes; a larger pickle is not a value for the summary
_NESTING = (b"]", b"}", b"(", b"\x8f", b"\x85", b"\x86", b"\x87", b"R")
"""Opcodes that start or create a container."""
_KEYS_OF_REFERENCES = (b"key", b"pathspec", b"attempt", b"created_on", b"storage_format")
"""The pickle of a reference to a checkpoint has all of these; so few other dicts are loaded."""
_FETCHING = (b"h", b"j", b"g")
"""Opcodes that read the memo, which every recursive value needs."""


def _size(data: bytes) -> int:
    return json_size(to_json(decode(data).json))


def _value(data: bytes) -> tuple[Any, bool]:
    value = decode(data)
    return value.json, value.is_curve


def _shown(data: bytes) -> tuple[Any, bool]:
    value = decode(data, "shown")
    return value.json, value.is_curve


def _value_without_names(data: bytes) -> tuple[Any, bool]:
    value = decode(data, "never")
    return value.json, value.is_curve


_INSPECTIONS: dict[Inspection, Callable[[bytes], Any]] = {
    Inspection.DIGEST: content_digest,
    Inspection.INSIDE: _inside,
    Inspection.NAMES: _names,
    Inspection.NAMES_AT_START: read_names_at_start,
    Inspection.SIZE: _size,
    Inspection.VALUE: _value,
    Inspection.SHOWN: _shown,
    Inspection.VALUE_WITHOUT_NAMES: _value_without_names,
}
