"""Program of the process that reads pickles for a verification; `value_reader` uses it.

The process has no rights that reading needs not: what a pickle could do against all rules, it would
do to this process.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

from mfwb import pickles
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.pickles.allowlist import ARRAYS, PATHS, PLAIN, ZONES
from mfwb.pickles.content_digest import content_digest
from mfwb.pickles.placeholders import StandIn
from mfwb.verification.expected.child_process import answer_requests
from mfwb.verification.expected.curve_columns import read_columns
from mfwb.verification.expected.file_endings import ending_of
from mfwb.verification.expected.wording import Described, put, to_number

__all__ = ["describe", "preload", "preload_more", "run_worker"]

_EXACT = 2**53
_MAX_SIDE = 50  # rows or columns
_FEWEST = 10  # numbers
_BINS = 64  # of a histogram


class _Instance(Described, StandIn):
    """A stand-in for an object of a class that is not imported."""

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state


class _AllowedOrDescribed(Mapping[str, Callable[[], Any]]):
    """The allow-list, and for all other capitalized names stand-ins that keep their arguments."""

    def __init__(self) -> None:
        self._allowed: pickles.Allowed = {**PLAIN, **PATHS, **ZONES, **ARRAYS}

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name in self._allowed:
            return self._allowed[name]
        last = name.rpartition(".")[2]
        if not last.lstrip("_")[:1].isupper():
            raise KeyError(name)
        return lambda: _stand_in(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._allowed)

    def __len__(self) -> int:
        return len(self._allowed)


def _stand_in(name: str) -> type:
    def new(cls: type, *arguments: Any) -> Any:
        made: Any = object.__new__(cls)
        Described.__init__(made, name, arguments)
        return made

    return type("_InstanceOfThatName", (_Instance,), {"__new__": new, "__init__": _nothing})


def _nothing(*_arguments: Any) -> None:
    """Initialize nothing: `__new__` did."""


def describe(data: bytes) -> dict[str, Any]:
    """Return what a pickle holds, as JSON: its names, the digest of its content, and its value.

    Keys: `names`, `only_named`, `digest`; and, if it can be loaded, `json_value` (with the marks of
    `wording`), `size` (characters of JSON), `number` (its text, if it is one), `columns` (of a
    curve, each behind its name), `chart` (of an array), and `ending` (of bytes or a text that are
    a file).
    """
    answer: dict[str, Any] = {"digest": content_digest(data), "ending": ending_of(data)}
    try:
        mentions = pickles.read_mentions(data)
    except ValueError:
        return answer
    answer |= {"names": mentions.names, "only_named": mentions.only_named}
    try:
        value = pickles.loads(data, _AllowedOrDescribed())
        json_value = put(value)
        answer["size"] = len(json.dumps(json_value))
        if (number := to_number(value)) is not None:
            answer["number"] = _number(number)
        if (columns := read_columns(value)) is not None:
            answer["columns"] = [[name, *column] for name, column in columns.items()]
        answer["json_value"] = json_value
        answer["is_nothing"] = value is None
        answer["chart"] = _chart(value)
    except MemoryError:
        answer["reason"] = "there is not enough memory for it"
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything
        answer["reason"] = f"{type(error).__name__}: {str(error)[:200]}"
    return answer


def _chart(value: Any) -> str | None:
    """Return the chart of an array: of ten finite numbers, or of a matrix up to 50 by 50."""
    if getattr(getattr(value, "dtype", None), "kind", "") not in {"i", "u", "f"}:
        return None
    if value.ndim == 2:  # noqa: PLR2004 - rows and columns
        return "heatmap" if all(1 < side <= _MAX_SIDE for side in value.shape) else None
    if value.ndim != 1:
        return None
    finite = [float(number) for number in value.tolist() if abs(number) < math.inf]
    return "histogram" if len(finite) >= _FEWEST and _has_bins(finite) else None


def _has_bins(numbers: list[float]) -> bool:
    """Whether floats can divide the range of numbers into the bins of a histogram."""
    low, high = min(numbers), max(numbers)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = high - low
    edges = [low + width * number / _BINS for number in range(_BINS)] + [high]
    return width < math.inf and all(left < right for left, right in pairwise(edges))


def _number(value: float) -> str:
    """Return a number as text that loses nothing: `int 255` in hex digits, or `float 0x1.8p+0`."""
    if isinstance(value, int):
        return f"int {int(value):x}"
    return f"float {float(value).hex()}"


def preload(*, trusted: bool) -> None:  # noqa: ARG001 - nothing is trusted here
    """Fill the cache of readable paths, which is slow."""
    list_readable_paths()


def preload_more() -> None:
    """Import numpy, which pays off with several flow runs."""
    with suppress(ImportError):
        import numpy as np  # noqa: F401, PLC0415 - not needed for most flow runs


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:  # noqa: ARG001 - as all programs
    """Answer requests until there are no more.

    Args:
        max_memory: bytes of memory that this process may take for them.
        folder: not used: this process may write nowhere.
        trusted: not used: no pickle is trusted here.
    """
    answer_requests(max_memory, lambda _, pickled: list(map(describe, pickled)), threads=0)
