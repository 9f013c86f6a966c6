"""The two ways to read a pickle."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from mfwb.pickles.buffers import Source, hollow, mapped, opened
from mfwb.pickles.limits import check
from mfwb.pickles.preflight import Anything, Rehearsal
from mfwb.pickles.unpickler import Allowed, Unpickler, UnpicklerOfAllowed

__all__ = ["Mentions", "loads", "mentions_in", "names_in"]

_STACK_GLOBAL = b"\x93"
_NAMES_AT_LEAST, _NAMES_PER_BYTE = 20_000, 4
"""Characters of names; each may be made of a module that the pickle holds once for all of them."""

_FRAMED_PROTOCOLS = (b"\x80\x04", b"\x80\x05")


def loads(
    source: Source, allowed: Allowed, *, makers: Collection[str] = (), bare: Collection[str] = ()
) -> Any:
    """Return the pickled value.

    Args:
        source: the pickle, or its file, which is read in pieces: twice, once without its data.
        allowed: what it may refer to. Calling these must do no harm, whatever the arguments; and
            a class must make something new each time (else wrap it in a function).
        makers: those functions of `allowed` that make something new each time. As with
            instances of classes, its state may be set, once.
        bare: those classes of `allowed` that may only be made without arguments.

    Raises:
        ForbiddenName: it refers to a name that is not allowed.
        pickle.UnpicklingError: it sets the state of something that is not its own, or would take
            far more time or memory than its size.
        Exception: any, if it is damaged.
    """
    with mapped(source) as data:
        check(data, calls=True)
    with hollow(source) as file:
        Rehearsal(file, allowed, makers, bare).load()
    with opened(source) as file:
        return UnpicklerOfAllowed(file, allowed).load()


def names_in(data: bytes) -> tuple[str, ...]:
    """Return the qualified names a pickle refers to, sorted; nothing of it is executed.

    Good for telling what an artifact is, not for deciding whether it is safe. Names that protocol
    2 wrote in the words of Python 2 are given in those of Python 3. Raises ValueError on a damaged
    pickle, and on one that would take far more time or memory than its size.
    """
    return mentions_in(data).names


class Mentions(NamedTuple):
    """The names in a pickle, sorted.

    Attributes:
        names: all.
        only_named: those of which nothing is made, as of a class that a list holds.
    """

    names: tuple[str, ...]
    only_named: tuple[str, ...] = ()


def mentions_in(data: bytes) -> Mentions:
    """Return the names a pickle refers to as `names_in` does, and what it does with them."""
    if data.startswith(_FRAMED_PROTOCOLS) and _STACK_GLOBAL not in data:
        return Mentions(())  # CPython names things in these protocols by that opcode alone
    reader = _NameReader(data)
    try:
        check(data, calls=False)
        reader.load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"a damaged pickle: {error}") from error
    return Mentions(tuple(sorted(reader.names)), tuple(sorted(reader.names - reader.used)))


class _NameReader(Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.names: set[str] = set()
        self.used: set[str] = set()
        self._characters_left = _NAMES_AT_LEAST + _NAMES_PER_BYTE * len(data)

    def find(self, name: str) -> Any:
        self._characters_left -= len(name)
        if self._characters_left < 0:
            raise pickle.UnpicklingError("its pickle makes far more names than there is in it")
        self.names.add(name)

        def new(_cls: type, *arguments: Any, **named: Any) -> Anything:
            self.used.add(name)
            self._use([*arguments, *named.values()])
            return Anything()

        return _Name(name, (), {"__new__": new})

    def persistent_load(self, pid: Any, /) -> Any:
        self._use([pid])
        return Anything()

    def _use(self, arguments: Iterable[Any], depth: int = 2) -> None:
        """Note what something is made with: by then it is more than named."""
        for one in arguments:
            if isinstance(one, _Name):
                self.used.add(one.__name__)
            elif type(one) is tuple and depth:
                self._use(one, depth - 1)


class _Name(type):
    """The type of what stands for a name: like a class, it can be called, or be held as it is."""

    def _ignore(cls, *_: Any) -> None:
        pass

    append = extend = add = __setitem__ = __setstate__ = _ignore
