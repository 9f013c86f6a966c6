"""Packages that a pickle needs, read from its opcodes; nothing is unpickled.

That takes little memory for a file of any size: the file is mapped, and strings that are too long
for a name are skipped. It relies on the output of CPython's own pickler: module and name of a
STACK_GLOBAL are pushed, or read from the memo, immediately before it. For a pickle that was
written in another way, the names are unknown.
"""

from __future__ import annotations

import mmap
import pickle
import sys
from _compat_pickle import IMPORT_MAPPING
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

from mfwb.pickles.opcodes import OPCODES, memo_index, read_opcode

__all__ = ["WHOLE_LIMIT", "list_packages", "read_names_at_start", "read_names_in_file"]

OPCODES_LIMIT = 5_000_000
"""A few seconds; the names of a pickle with more opcodes are unknown."""

WHOLE_LIMIT = 16_000_000
"""Bytes; a smaller pickle is unpickled with stand-ins in memory, which is quick."""

_NAMES_LIMIT = 10_000

_NAME_LIMIT = 256  # bytes; longer strings are not names
_MEMO_LIMIT = 100_000  # strings that may turn out to be names

_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_PUTS = frozenset({"MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"})
_GETS = frozenset({"BINGET", "LONG_BINGET", "GET"})
_SILENT = frozenset({"PROTO", "FRAME"})


def list_packages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the packages, besides Python itself, that a pickle with these names needs.

    `__main__` stands for the file of the flow.
    """
    modules = (name.partition(".")[0] for name in names)
    packages = {IMPORT_MAPPING.get(name, name) for name in modules}  # protocol 2: Python 2 names
    return tuple(sorted(packages - sys.stdlib_module_names))


def read_names_in_file(path: Path, limit: int = OPCODES_LIMIT) -> tuple[str, ...] | None:
    """Return the qualified names that a pickle refers to, sorted; None if they are unknown.

    They are unknown if the pickle is damaged, has more opcodes than `limit`, or was not written by
    CPython's pickler.
    """
    if not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return tuple(sorted(_Scan(data).names(limit)))
        except (pickle.UnpicklingError, ValueError):
            return None


def read_names_at_start(data: bytes, limit: int = OPCODES_LIMIT) -> tuple[str, ...]:
    """Return the qualified names in the first bytes of a pickle, sorted, as far as they are known.

    The names that show what a large pickle is usually come before its data.
    """
    scan = _Scan(data)
    with suppress(pickle.UnpicklingError, ValueError):  # the rest is missing
        scan.names(limit)
    return tuple(sorted(scan.collected))


class _Scan:
    """Scan of one pickle for names."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = cast("bytes", data)  # only what bytes and mmap have in common is used
        self.collected: set[str] = set()
        self._last: deque[str | None] = deque((None, None), maxlen=2)  # the last items pushed
        self._memo: dict[int, str] = {}
        self._memoized = 0

    def names(self, limit: int) -> set[str]:
        """Return all names; pickle.UnpicklingError or ValueError if they are unknown."""
        position = 0
        for _ in range(limit):
            code, start, position = read_opcode(self._data, position)
            name = OPCODES[code].name
            if name == "STOP":
                return self.collected
            self._take(name, start, position)
        raise ValueError("too many opcodes")

    def _take(self, name: str, start: int, end: int) -> None:
        if name in _STRINGS:
            is_short = end - start <= _NAME_LIMIT
            self._last.append(self._text(start, end) if is_short else None)
        elif name in _PUTS:
            self._keep(name, start, end)
        elif name in _GETS:
            self._last.append(self._memo.get(memo_index(name, self._data[start:end])))
        elif name == "STACK_GLOBAL":
            self._add(*self._last)
        elif name in {"GLOBAL", "INST"}:
            module, _, attribute = self._text(start, end).strip().partition("\n")
            self._add(module, attribute)
        elif name not in _SILENT:
            self._last.append(None)

    def _text(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")

    def _keep(self, name: str, start: int, end: int) -> None:
        index = self._memoized if name == "MEMOIZE" else memo_index(name, self._data[start:end])
        self._memoized += 1
        pushed = self._last[-1]
        if pushed is not None and len(self._memo) < _MEMO_LIMIT:
            self._memo[index] = pushed
        else:
            self._memo.pop(index, None)

    def _add(self, module: str | None, attribute: str | None) -> None:
        if not module or not attribute:
            raise ValueError("a name that is not written as CPython does")
        if len(self.collected) == _NAMES_LIMIT:
            raise ValueError("too many names")
        self.collected.add(f"{module}.{attribute}"[: 2 * _NAME_LIMIT])
        self._last.append(None)
