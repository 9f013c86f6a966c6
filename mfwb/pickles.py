"""Reading pickles that somebody else wrote, without running anything of theirs.

Two ways, both bottom-layer because source and payload need them: `names_in` acts a pickle out with
stand-ins to tell what it refers to; `loads` really loads it, with the names it was allowed to have.

An allow-list of names alone is not enough, because a pickle can also set the state of whatever it
holds: of a class, which would change it for the whole process, or of a numpy dtype, which would
make numpy take bytes for pointers. So `loads` first rehearses the pickle with stand-ins, at the
speed of the C unpickler, and refuses it unless every state goes to something newly made.
"""

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["Allowed", "ForbiddenName", "Unpickler", "loads", "names_in"]

Allowed = Mapping[str, Callable[[], Any]]
"""Qualified name -> a function that returns the object (so that nothing is imported in vain)."""

_STACK_GLOBAL = b"\x93"
_FRAMED_PROTOCOLS = (b"\x80\x04", b"\x80\x05")
_PYTHON_3_PROTOCOLS = (b"\x80\x03", *_FRAMED_PROTOCOLS)
_DTYPE = "numpy.dtype"
_NUMPY_MAKERS = frozenset(
    f"{package}.multiarray._reconstruct" for package in ("numpy.core", "numpy._core")
)


class ForbiddenName(pickle.UnpicklingError):
    """The pickle asks for something that is not on the allow-list; `.name` says what."""

    def __init__(self, name: str) -> None:
        super().__init__(f"its pickle refers to {name}, which is not loaded")
        self.name = name


def loads(data: bytes, allowed: Allowed, *, makers: Collection[str] = ()) -> Any:
    """Return the pickled value.

    Args:
        data: the pickle.
        allowed: what it may refer to. Calling these must do no harm, whatever the arguments; and
            a class must make something new each time (else wrap it in a function).
        makers: those functions of `allowed` that make something new each time. As with
            instances of classes, its state may be set, once.

    Raises:
        ForbiddenName: it refers to a name that is not allowed.
        pickle.UnpicklingError: it sets the state of something that is not its own.
        Exception: any, if it is damaged.
    """
    _Rehearsal(data, allowed, _NUMPY_MAKERS.union(makers)).load()
    return _AllowListUnpickler(data, allowed).load()


def names_in(data: bytes) -> tuple[str, ...]:
    """Return the qualified names a pickle refers to, sorted; nothing of it is executed.

    Good for telling what an artifact is, not for deciding whether it is safe. Names that protocol
    2 wrote in the words of Python 2 are given in those of Python 3. Raises ValueError on a damaged
    pickle.
    """
    if data.startswith(_FRAMED_PROTOCOLS) and _STACK_GLOBAL not in data:
        return ()  # CPython names things in these protocols by that opcode alone
    reader = _NameReader(data)
    try:
        reader.load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"a damaged pickle: {error}") from error
    return tuple(sorted(reader.names))


# --- unpicklers -----------------------------------------------------------------------------


class Unpickler(pickle.Unpickler):
    """Leaves to those who inherit it what stands under a name: nothing is imported."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self._is_of_python_2 = not data.startswith(_PYTHON_3_PROTOCOLS)

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what stands under a name, after Python 2's names were turned into Python 3's."""
        if self._is_of_python_2:
            module, name = NAME_MAPPING.get((module, name), (module, name))
            module = IMPORT_MAPPING.get(module, module)
        return self.find(f"{module}.{name}")

    def find(self, name: str) -> Any:
        """Return what stands under a qualified name."""
        raise NotImplementedError

    def persistent_load(self, pid: Any, /) -> Any:
        """Refuse: Metaflow writes no persistent ids."""
        raise ForbiddenName(f"persistent id {pid!r}")


class _AllowListUnpickler(Unpickler):
    def __init__(self, data: bytes, allowed: Allowed) -> None:
        super().__init__(data)
        self._allowed = allowed

    def find(self, name: str) -> Any:
        found = self._allowed.get(name)
        if found is None:
            raise ForbiddenName(name)
        return found()


class _Rehearsal(_AllowListUnpickler):
    """Does all that the real unpickler does, to stand-ins that know what must not be done."""

    def __init__(self, data: bytes, allowed: Allowed, makers: Collection[str]) -> None:
        super().__init__(data, allowed)
        self._makers = makers
        self._known: dict[str, Any] = {}

    def find(self, name: str) -> Any:
        if name not in self._known:
            is_class = isinstance(super().find(name), type)
            self._known[name] = _class_like(name) if is_class else _FunctionLike(name, self._makers)
        return self._known[name]


class _NameReader(Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.names: set[str] = set()

    def find(self, name: str) -> Any:
        self.names.add(name)
        return _Anything

    def persistent_load(self, _pid: Any, /) -> Any:
        return _Anything()


# --- stand-ins ------------------------------------------------------------------------------


class _Anything:
    """Lets a pickle do to it whatever pickles do to objects."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> _Anything:
        return _Anything()

    def _ignore(self, *_: Any) -> None:
        pass

    append = extend = add = __setitem__ = __setstate__ = _ignore


class _Made(_Anything):
    """Stands for what a class or a function would make; takes a state once, and only if new."""

    def __init__(self, maker: str, arguments: tuple[Any, ...], *, is_new: bool) -> None:
        self._maker = maker
        self._arguments = arguments
        self._is_new = is_new

    def __call__(self, *arguments: Any, **_: Any) -> _Anything:
        return _Made(self._maker, arguments, is_new=False)

    def __setstate__(self, state: Any) -> None:
        # A second state would free memory of an array that others may look at by then.
        if not self._is_new or (self._maker == _DTYPE and not _is_plain(self._arguments, state)):
            raise _changes(self._maker)
        self._is_new = False


class _FunctionLike(_Made):
    """Stands for a function, or for any object that is no class."""

    def __init__(self, name: str, makers: Collection[str]) -> None:
        super().__init__(name, (), is_new=False)
        self._makes = name in makers

    def __call__(self, *arguments: Any, **_: Any) -> _Anything:
        return _Made(self._maker, arguments, is_new=self._makes)


class _ClassLike(type):
    """The type of stand-ins for classes."""

    def __call__(cls, *arguments: Any, **_: Any) -> _Anything:
        return _Made(cls.__name__, arguments, is_new=True)

    def __setstate__(cls, _state: Any) -> None:
        raise _changes(cls.__name__)


def _class_like(name: str) -> _ClassLike:
    def new(_: _ClassLike, *arguments: Any, **__: Any) -> _Anything:
        return _Made(name, arguments, is_new=True)

    return _ClassLike(name, (), {"__new__": new})


def _changes(name: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"its pickle would change {name}, which is not its own")


def _is_plain(arguments: tuple[Any, ...], state: tuple[Any, ...]) -> bool:
    """Whether a dtype has no parts, and a state says of it what numpy itself says.

    A state with other sizes or flags makes numpy read beyond the bytes it was given.
    """
    import numpy as np  # noqa: PLC0415 - only who pickles numpy things pays for it

    if not arguments or not isinstance(arguments[0], str):
        return False
    dtype = np.dtype(arguments[0])
    _, order, subdtype, names, fields, size, alignment, flags, *_ = state
    return (
        (dtype.names, dtype.subdtype, names, subdtype, fields) == (None,) * 5
        and order in {"<", ">", "|", "="}
        and size in {-1, dtype.itemsize}
        and alignment in {-1, dtype.alignment}
        and flags == dtype.flags
    )
