"""Loading of pickles, and listing of the names in them, without running their code."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from mfwb.pickles.buffers import Source, map_source, open_source, open_without_data
from mfwb.pickles.limits import check_limits
from mfwb.pickles.plain_arrays import find_plain_array
from mfwb.pickles.preflight import PermissiveObject, Preflight
from mfwb.pickles.unpickler import Allowed, Unpickler, UnpicklerOfAllowed

__all__ = ["Mentions", "loads", "read_mentions", "read_names"]

_STACK_GLOBAL = b"\x93"
_NAMES_AT_LEAST, _NAMES_PER_BYTE = 20_000, 4
"""Characters of names; a pickle can combine one module name, stored once, with many names."""

_FRAMED_PROTOCOLS = (b"\x80\x04", b"\x80\x05")


def loads(
    source: Source, allowed: Allowed, *, makers: Collection[str] = (), bare: Collection[str] = ()
) -> Any:
    """Return the pickled value.

    Args:
        source: the pickle, or its file, which is read in pieces: twice, once without its data.
        allowed: the names that it may refer to. Calling these must do no harm, whatever the
            arguments; and a class must create a new object each time (else wrap it in a function).
        makers: the functions in `allowed` that create a new object each time. As for instances of
            classes, the state of such an object may be set, once.
        bare: the classes in `allowed` that may only be created without arguments.

    Raises:
        ForbiddenName: the pickle refers to a name that is not allowed.
        pickle.UnpicklingError: it sets the state of an object that it did not create, or would
            take far more time or memory than its size.
        Exception: any, if the pickle is damaged.
    """
    with map_source(source) as data:
        check_limits(data, calls=True)
    with open_without_data(source) as file:
        Preflight(file, allowed, makers, bare).load()
    with open_source(source) as file:
        return UnpicklerOfAllowed(file, allowed).load()


def read_names(data: bytes) -> tuple[str, ...]:
    """Return the qualified names that a pickle refers to, sorted; none of its code is run.

    The names describe what an artifact is; they do not show whether it is safe. Names of Python 2,
    which protocol 2 uses, are translated to those of Python 3. Raises ValueError on a damaged
    pickle, and on one that would take far more time or memory than its size.
    """
    return read_mentions(data).names


class Mentions(NamedTuple):
    """The names in a pickle, sorted.

    Attributes:
        names: all.
        only_named: names that are never called, as of a class that is an item of a list.
    """

    names: tuple[str, ...]
    only_named: tuple[str, ...] = ()


def read_mentions(data: bytes) -> Mentions:
    """Return the names that a pickle refers to, as `read_names` does, and which are only named."""
    if data.startswith(_FRAMED_PROTOCOLS) and _STACK_GLOBAL not in data:
        return Mentions(())  # in these protocols CPython writes names with that opcode only
    array = find_plain_array(data)
    if array is not None:
        return Mentions(array.names)
    reader = _NameUnpickler(data)
    try:
        check_limits(data, calls=False)
        reader.load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"a damaged pickle: {error}") from error
    return Mentions(tuple(sorted(reader.names)), tuple(sorted(reader.names - reader.used)))


class _NameUnpickler(Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.names: set[str] = set()
        self.used: set[str] = set()
        self._characters_left = _NAMES_AT_LEAST + _NAMES_PER_BYTE * len(data)

    def find(self, name: str) -> Any:
        self._characters_left -= len(name)
        if self._characters_left < 0:
            raise pickle.UnpicklingError("its pickle creates far more names than it contains")
        self.names.add(name)

        def new(_cls: type, *arguments: Any, **named: Any) -> PermissiveObject:
            self.used.add(name)
            self._mark_used([*arguments, *named.values()])
            return PermissiveObject()

        return _NameStandIn(name, (), {"__new__": new})

    def persistent_load(self, pid: Any, /) -> Any:
        self._mark_used([pid])
        return PermissiveObject()

    def _mark_used(self, arguments: Iterable[Any], depth: int = 2) -> None:
        """Record the names among the arguments of a call: they are more than only named."""
        for argument in arguments:
            if isinstance(argument, _NameStandIn):
                self.used.add(argument.__name__)
            elif type(argument) is tuple and depth:
                self._mark_used(argument, depth - 1)


class _NameStandIn(type):
    """Metaclass of stand-ins for names: like a class, one can be called, or be an item itself."""

    def _ignore(cls, *_: Any) -> None:
        pass

    append = extend = add = __setitem__ = __setstate__ = _ignore
