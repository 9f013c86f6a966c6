"""Reading pickles that somebody else wrote, without running anything of theirs.

Two ways, both bottom-layer because source and payload need them: `names_in` looks at a pickle's
opcodes and executes none; `loads` executes it, but hands out only the names it was allowed to.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Allowed", "ForbiddenName", "loads", "names_in"]

Allowed = Mapping[str, Callable[[], Any]]
"""Qualified name -> a function that returns the object (so that nothing is imported in vain)."""

_STRINGS = frozenset(
    {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING"}
    | {"SHORT_BINSTRING"}
)
_MEMO_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_MEMO_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_STACK_GLOBAL = b"\x93"
_FRAMED_PROTOCOLS = (b"\x80\x04", b"\x80\x05")


class ForbiddenName(pickle.UnpicklingError):
    """The pickle asks for something that is not on the allow-list; `.name` says what."""

    def __init__(self, name: str) -> None:
        super().__init__(f"its pickle refers to {name}, which is not loaded")
        self.name = name


class _AllowListUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, allowed: Allowed) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed = allowed

    def find_class(self, module: str, name: str, /) -> Any:
        """Return an allowed object; ForbiddenName for any other."""
        qualified = f"{module}.{name}"
        found = self._allowed.get(qualified)
        if found is None:
            raise ForbiddenName(qualified)
        return found()

    def persistent_load(self, pid: Any) -> Any:
        """Refuse: Metaflow writes no persistent ids."""
        raise ForbiddenName(f"persistent id {pid!r}")


def loads(data: bytes, allowed: Allowed) -> Any:
    """Return the pickled value.

    Raises:
        ForbiddenName: it refers to a name that is not allowed.
        pickle.UnpicklingError, or any error of a damaged pickle.
    """
    return _AllowListUnpickler(data, allowed).load()


def names_in(data: bytes) -> tuple[str, ...]:
    """Return the qualified names a pickle refers to, sorted; nothing of it is executed.

    Good for telling what an artifact is, not for deciding whether it is safe. A name that the
    opcodes compute rather than state is given as "?". Raises ValueError on a damaged pickle.
    """
    if data.startswith(_FRAMED_PROTOCOLS) and _STACK_GLOBAL not in data:
        return ()  # CPython names things in these protocols by that opcode alone
    names: set[str] = set()
    memo: dict[Any, str | None] = {}
    last: list[str | None] = [None, None]  # the two newest things on the stack, if strings
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in _STRINGS:
            last = [last[1], str(argument)]
        elif name == "MEMOIZE":
            memo[len(memo)] = last[1]
        elif name in _MEMO_PUTS:
            memo[argument] = last[1]
        elif name in _MEMO_GETS:
            last = [last[1], memo.get(argument)]
        elif name == "STACK_GLOBAL":
            module, attribute = last
            names.add("?" if module is None or attribute is None else f"{module}.{attribute}")
            last = [None, None]
        elif name in {"GLOBAL", "INST"}:
            names.add(str(argument).replace(" ", ".", 1))
            last = [None, None]
        elif name not in {"PROTO", "FRAME", "MARK"}:
            last = [last[1], None]
    return tuple(sorted(names))
