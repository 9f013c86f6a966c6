"""Preflight: unpickles with stand-ins that refuse forbidden actions, before the real unpickling."""

from __future__ import annotations

import math
import pickle
from collections.abc import Collection
from typing import Any, BinaryIO

from mfwb.pickles import dtypes
from mfwb.pickles.unpickler import Allowed, UnpicklerOfAllowed

__all__ = ["PermissiveObject", "Preflight"]

_DTYPE = "numpy.dtype"
_ARRAY_MAKERS = frozenset(
    f"{package}.multiarray._reconstruct" for package in ("numpy.core", "numpy._core")
)
_BYTES_MAKERS = frozenset({"_codecs.encode", "builtins.bytes", "builtins.bytearray"})
_FILLED = frozenset(f"collections.{name}" for name in ("Counter", "OrderedDict", "defaultdict"))
_EXTENDED = frozenset({"collections.deque"})


class PermissiveObject:
    """Stand-in that accepts everything that pickles do to objects."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> PermissiveObject:
        """Return a stand-in for the result."""
        return PermissiveObject()

    def _ignore(self, *_: Any) -> None:
        pass

    append = extend = add = __setitem__ = __setstate__ = _ignore


class Preflight(UnpicklerOfAllowed):
    """Unpickler that raises the errors of `loads` before any real object is created."""

    def __init__(
        self,
        file: BinaryIO,
        allowed: Allowed,
        makers: Collection[str],
        bare: Collection[str] = (),
    ) -> None:
        super().__init__(file, allowed)
        self._bare = bare
        self._makers = _ARRAY_MAKERS.union(makers, {_DTYPE})

    def find(self, name: str) -> Any:
        """Return the stand-in for a name."""
        is_class = isinstance(super().find(name), type)
        if not is_class:
            return _FunctionStandIn(name, self._makers)
        return _build_class_stand_in(name, is_bare=name in self._bare)


class _ResultStandIn(PermissiveObject):
    """Stand-in for the result of a class or function; accepts a state once, and only if new."""

    def __init__(self, maker: str, arguments: tuple[Any, ...], *, is_new: bool) -> None:
        self._maker = maker
        self._arguments = arguments
        self._is_new = is_new
        self.dtype: Any = None  # the real dtype, if this is the stand-in for a dtype

    def __call__(self, *arguments: Any, **_: Any) -> PermissiveObject:
        return _ResultStandIn(self._maker, arguments, is_new=False)

    def __setstate__(self, state: Any) -> None:
        # A second state would free memory of an array that other objects may use by then.
        if not self._is_new:
            raise _changes_error(self._maker)
        self._is_new = False
        if self._maker == _DTYPE:
            self.dtype = dtypes.build_described_dtype(self._arguments, state, _real)
            if self.dtype is None:
                raise _changes_error(self._maker)
        elif self._maker in _ARRAY_MAKERS:
            _check_array(state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._expect_any_of(_FILLED)

    def append(self, _item: Any) -> None:
        """Accept an item if objects of this type do so when they are unpickled."""
        self._expect_any_of(_EXTENDED)

    def extend(self, _items: Any) -> None:
        """Accept items if objects of this type do so when they are unpickled."""
        self._expect_any_of(_EXTENDED)

    def add(self, _item: Any) -> None:
        """Refuse: sets have opcodes of their own."""
        raise _changes_error(self._maker)

    def _expect_any_of(self, makers: Collection[str]) -> None:
        if self._maker not in makers:
            raise _changes_error(self._maker)


class _FunctionStandIn(_ResultStandIn):
    """Stand-in for a function, or for any object that is not a class."""

    def __init__(self, name: str, makers: Collection[str]) -> None:
        super().__init__(name, (), is_new=False)
        self._creates_new = name in makers

    def __call__(self, *arguments: Any, **_: Any) -> PermissiveObject:
        return _ResultStandIn(self._maker, arguments, is_new=self._creates_new)

    def __setitem__(self, _key: Any, _value: Any) -> None:
        raise _changes_error(self._maker)


class _ClassStandIn(type):
    """Metaclass of stand-ins for classes."""

    is_bare = False

    def __call__(cls, *arguments: Any, **named: Any) -> PermissiveObject:
        if cls.is_bare and (arguments or named):
            raise pickle.UnpicklingError(f"its pickle makes a {cls.__name__} of something")
        return _ResultStandIn(cls.__name__, arguments, is_new=True)

    def _refuse(cls, *_: Any) -> None:
        raise _changes_error(cls.__name__)

    append = extend = add = __setitem__ = __setstate__ = _refuse


def _build_class_stand_in(name: str, *, is_bare: bool) -> _ClassStandIn:
    def new(cls: _ClassStandIn, *arguments: Any, **named: Any) -> PermissiveObject:
        return _ClassStandIn.__call__(cls, *arguments, **named)

    stand_in = _ClassStandIn(name, (), {"__new__": new})
    type.__setattr__(stand_in, "is_bare", is_bare)
    return stand_in


def _changes_error(name: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"its pickle would change {name}, which is not its own")


def _real(item: Any) -> Any:
    """Return the bytes or the dtype that a stand-in represents; None if neither."""
    if isinstance(item, (bytes, bytearray)):
        return item
    if not isinstance(item, _ResultStandIn):
        return None
    maker, arguments = item._maker, item._arguments  # noqa: SLF001 - a class of this module
    if maker == _DTYPE:
        return dtypes.build_named_dtype(arguments) if item.dtype is None else item.dtype
    if maker not in _BYTES_MAKERS:
        return None
    source = arguments[0] if arguments else b""
    return source.encode("latin1") if isinstance(source, str) else _real(source)


def _check_array(state: Any) -> None:
    """Raise unless the data of an array has exactly the size that its shape requires.

    numpy allocates the memory for the shape before it checks the data.
    """
    _, shape, described, _, contents = state
    dtype = _real(described)
    data = contents if isinstance(contents, list) else _real(contents)
    if data is None or not isinstance(getattr(dtype, "itemsize", None), int):
        raise pickle.UnpicklingError("an array whose data or dtype are not plain")
    size = len(data) * (dtype.itemsize if isinstance(data, list) else 1)
    if not all(type(length) is int and length >= 0 for length in shape):
        raise pickle.UnpicklingError("an array whose shape is not valid")
    if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != size:
        raise pickle.UnpicklingError("an array whose shape does not fit its data")
