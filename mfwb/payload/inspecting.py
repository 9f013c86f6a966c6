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
from mfwb.errors import ItemLost
from mfwb.payload.confining import confined
from mfwb.payload.limits import cap_memory, give_back_memory
from mfwb.payload.opcodes import names_at_start
from mfwb.payload.plain import decode
from mfwb.payload.surroundings import readable
from mfwb.pickled_content import content_digest

__all__ = ["Answer", "Inspect", "Look", "get_readier", "get_ready", "inspect_here", "work"]

_SECONDS = 10.0  # of processor time
_SECONDS_PER_MB = 3.0


class Look(str, Enum):
    """What can be told of a pickle."""

    DIGEST = "digest"  # of its content
    NAMES = "names"  # that it refers to
    NAMES_AT_START = "names at start"  # of which only the beginning is there
    VALUE = "value"  # that is plain
    VALUE_WITHOUT_NAMES = "value without names"


Answer = tuple[Any, str | None]
"""What was found, and, if that is nothing at all, why."""

Inspect = Callable[[str, Look, Sequence[bytes]], list[Answer]]
"""Looks at pickles of a flow run."""


def inspect_here(_flow_run: str, look: Look, pickled: Sequence[bytes]) -> list[Answer]:
    """Look at pickles in this very process, which should be none that matters."""
    return [_looked_at(look, data) for data in pickled]


def get_ready(*, trusted: bool) -> None:  # noqa: ARG001 - nothing is trusted here
    """Find out what takes a moment; the imports are above."""
    readable()


def get_readier() -> None:
    """Import what many need, where there are many: numbers of numpy's are common."""
    with suppress(ImportError):
        import numpy as np  # noqa: F401, PLC0415


def work(max_memory: int, folder: str, *, trusted: bool) -> None:  # noqa: ARG001 - as all programs
    """Answer requests until there are no more.

    Args:
        max_memory: bytes that this process may take for them.
        folder: that it may do nothing in.
        trusted: plays no part.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    give_back_memory()
    cap_memory(max_memory, threads=0)
    _say(answers, {"confined": ", ".join(confined((), ()))})
    with os.fdopen(0, "rb") as requests:
        for line in requests:
            request = json.loads(line)
            pickled = [requests.read(size) for size in request["sizes"]]
            _limit_time(sum(request["sizes"]))
            _say(answers, [_looked_at(Look(request["look"]), data) for data in pickled])
            give_back_memory()
    os._exit(0)


def _say(answers: BinaryIO, said: Any) -> None:
    answers.write(json.dumps(said).encode() + b"\n")
    answers.flush()


def _limit_time(size: int) -> None:
    """End this process when it has worked for too long: nobody handles the signal."""
    signal.setitimer(signal.ITIMER_PROF, _SECONDS + _SECONDS_PER_MB * size / 1_000_000)


def _looked_at(look: Look, data: bytes) -> Answer:
    try:
        return _LOOKS[look](data), None
    except ItemLost as error:
        return None, str(error)
    except MemoryError:
        return None, "there is not enough memory for it"


def _names(data: bytes) -> tuple[str, ...] | None:
    try:
        return pickles.names_in(data)
    except ValueError:
        return None


def _value(data: bytes) -> tuple[Any, bool]:
    found = decode(data)
    return found.json, found.is_series


def _value_without_names(data: bytes) -> tuple[Any, bool]:
    found = decode(data, "never")
    return found.json, found.is_series


_LOOKS: dict[Look, Callable[[bytes], Any]] = {
    Look.DIGEST: content_digest,
    Look.NAMES: _names,
    Look.NAMES_AT_START: names_at_start,
    Look.VALUE: _value,
    Look.VALUE_WITHOUT_NAMES: _value_without_names,
}
