"""All that the real unpickler does, done to stand-ins that know what must not be done."""

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
    """Lets a pickle do to it whatever pickles do to objects."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> PermissiveObject:
        """Return what stands for the result."""
        return PermissiveObject()

    def _ignore(self, *_: Any) -> None:
        pass

    append = extend = add = __setitem__ = __setstate__ = _ignore


class Preflight(UnpicklerOfAllowed):
    """Raises what `loads` has to raise before anything is made."""

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
        """Return what stands in for a name."""
        is_class = isinstance(super().find(name), type)
        if not is_class:
            return _FunctionLike(name, self._makers)
        return _class_like(name, is_bare=name in self._bare)


class _Made(PermissiveObject):
    """Stands for what a class or a function would make; takes a state once, and only if new."""

    def __init__(self, maker: str, arguments: tuple[Any, ...], *, is_new: bool) -> None:
        self._maker = maker
        self._arguments = arguments
        self._is_new = is_new
        self.dtype: Any = None  # the real one, for what stands for a dtype

    def __call__(self, *arguments: Any, **_: Any) -> PermissiveObject:
        return _Made(self._maker, arguments, is_new=False)

    def __setstate__(self, state: Any) -> None:
        # A second state would free memory of an array that others may look at by then.
        if not self._is_new:
            raise _changes(self._maker)
        self._is_new = False
        if self._maker == _DTYPE:
            self.dtype = dtypes.build_described_dtype(self._arguments, state, _real)
            if self.dtype is None:
                raise _changes(self._maker)
        elif self._maker in _ARRAY_MAKERS:
            _check_array(state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._expect_one_of(_FILLED)

    def append(self, _item: Any) -> None:
        """Take an item, if that is what it does."""
        self._expect_one_of(_EXTENDED)

    def extend(self, _items: Any) -> None:
        """Take items, if that is what it does."""
        self._expect_one_of(_EXTENDED)

    def add(self, _item: Any) -> None:
        """Refuse: sets have opcodes of their own."""
        raise _changes(self._maker)

    def _expect_one_of(self, makers: Collection[str]) -> None:
        if self._maker not in makers:
            raise _changes(self._maker)


class _FunctionLike(_Made):
    """Stands for a function, or for any object that is no class."""

    def __init__(self, name: str, makers: Collection[str]) -> None:
        super().__init__(name, (), is_new=False)
        self._makes = name in makers

    def __call__(self, *arguments: Any, **_: Any) -> PermissiveObject:
        return _Made(self._maker, arguments, is_new=self._makes)

    def __setitem__(self, _key: Any, _value: Any) -> None:
        raise _changes(self._maker)


class _ClassLike(type):
    """The type of stand-ins for classes."""

    is_bare = False

    def __call__(cls, *arguments: Any, **named: Any) -> PermissiveObject:
        if cls.is_bare and (arguments or named):
            raise pickle.UnpicklingError(f"its pickle makes a {cls.__name__} of something")
        return _Made(cls.__name__, arguments, is_new=True)

    def _refuse(cls, *_: Any) -> None:
        raise _changes(cls.__name__)

    append = extend = add = __setitem__ = __setstate__ = _refuse


def _class_like(name: str, *, is_bare: bool) -> _ClassLike:
    def new(cls: _ClassLike, *arguments: Any, **named: Any) -> PermissiveObject:
        return _ClassLike.__call__(cls, *arguments, **named)

    made = _ClassLike(name, (), {"__new__": new})
    type.__setattr__(made, "is_bare", is_bare)
    return made


def _changes(name: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"its pickle would change {name}, which is not its own")


def _real(thing: Any) -> Any:
    """Return the bytes or the dtype that something stands for; None if neither."""
    if isinstance(thing, (bytes, bytearray)):
        return thing
    if not isinstance(thing, _Made):
        return None
    maker, arguments = thing._maker, thing._arguments  # noqa: SLF001 - one of ours
    if maker == _DTYPE:
        return dtypes.build_named_dtype(arguments) if thing.dtype is None else thing.dtype
    if maker not in _BYTES_MAKERS:
        return None
    source = arguments[0] if arguments else b""
    return source.encode("latin1") if isinstance(source, str) else _real(source)


def _check_array(state: Any) -> None:
    """Raise unless an array gets as many items as its shape says.

    Numpy makes room for all of them before it looks.
    """
    _, shape, described, _, contents = state
    dtype = _real(described)
    data = contents if isinstance(contents, list) else _real(contents)
    if data is None or not isinstance(getattr(dtype, "itemsize", None), int):
        raise pickle.UnpicklingError("an array whose data or dtype are not plain")
    size = len(data) * (dtype.itemsize if isinstance(data, list) else 1)
    if not all(type(one) is int and one >= 0 for one in shape):
        raise pickle.UnpicklingError("an array whose shape is no shape")
    if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != size:
        raise pickle.UnpicklingError("an array whose shape is not that of its data")
