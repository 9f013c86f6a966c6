"""The two ways to read a pickle."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mfwb.pickles.reading import Source, hollow, mapped, opened
from mfwb.pickles.rehearsal import Anything, Rehearsal
from mfwb.pickles.unpickler import Allowed, Unpickler, UnpicklerOfAllowed
from mfwb.pickles.weighing import check

__all__ = ["loads", "names_in"]

_STACK_GLOBAL = b"\x93"
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
    if data.startswith(_FRAMED_PROTOCOLS) and _STACK_GLOBAL not in data:
        return ()  # CPython names things in these protocols by that opcode alone
    reader = _NameReader(data)
    try:
        check(data, calls=False)
        reader.load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"a damaged pickle: {error}") from error
    return tuple(sorted(reader.names))


class _NameReader(Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.names: set[str] = set()

    def find(self, name: str) -> Any:
        self.names.add(name)
        return Anything

    def persistent_load(self, _pid: Any, /) -> Any:
        return Anything()
