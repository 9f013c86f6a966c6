"""Whether two pickles hold the same, however they were written.

Python pickles the same value into other bytes when strings in it are shared or not, or when a set
has another order; reading an artifact is enough for that, as Metaflow pickles it anew. So pickles
are acted out with stand-ins, nothing of them is run, and what comes out is digested. As with any
other look at a pickle, it is weighed before: to act one out can take for ever.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterable
from typing import Any

from mfwb.pickles.limits import check
from mfwb.pickles.unpickler import Unpickler

__all__ = ["content_digest"]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray)
_LARGE_ATOM = 64  # bytes or characters; whatever is larger and there twice is digested once
_DIGITS_LIMIT_BITS = 14_284  # Python writes no int of more than 4,300 digits, which is 10**4300


def content_digest(pickled: bytes) -> str | None:
    """Return a digest that equal contents share, whatever their pickles; None if it can't be told.

    Objects are equal if they are of the same class and made and filled in the same way.
    """
    try:
        check(pickled, calls=False)
        value = _Reader(pickled).load()
        return _Digests().of(value).hex()
    except (MemoryError, RecursionError):
        return None
    except Exception:  # noqa: BLE001 - a damaged pickle can raise anything
        return None


class _Reader(Unpickler):
    def find(self, name: str) -> Any:
        return _TorchStorages() if name == _TORCH_STORAGE else _class_named(name)

    def persistent_load(self, pid: Any, /) -> Any:
        return _Built("persistent", (pid,))


class _Built:
    """Stands for an object: what made it, and all that was then done to it, in order."""

    def __init__(self, maker: str, arguments: tuple[Any, ...]) -> None:
        self.parts: list[Any] = [maker, arguments]
        self.members: list[Any] = []  # of a set, whose order says nothing

    def __call__(self, *arguments: Any) -> _Built:
        return _Built("call", (self, arguments))

    def __setstate__(self, state: Any) -> None:
        self.parts.append(("state", state))

    def append(self, item: Any) -> None:
        self.parts.append(("item", item))

    def extend(self, items: Iterable[Any]) -> None:
        self.parts += [("item", item) for item in items]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.parts.append(("entry", key, value))

    def add(self, member: Any) -> None:
        self.members.append(member)


class _ClassNamed(type):
    """The type of stand-ins for classes: the pickle machine wants real ones to make objects of."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> _Built:
        return _Built(cls.__name__, (arguments, keywords))

    def __setstate__(cls, state: Any) -> None:
        raise pickle.UnpicklingError(f"its pickle would change {cls.__name__}")


def _class_named(name: str) -> _ClassNamed:
    def new(_: type, *arguments: Any, **keywords: Any) -> _Built:
        return _Built(name, (arguments, keywords))

    return _ClassNamed(name, (), {"__new__": new})


_TORCH_STORAGE = "torch.storage._load_from_bytes"
_HEADERS = 5  # magic number, version, machine, the storage, the keys of storages
_HEADERS_LIMIT = 65_536  # bytes


class _TorchStorages:
    """Stands for the function that loads one; what is there twice is read once."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[bytes, Any]] = {}  # by id, with what keeps it from being reused

    def __call__(self, *arguments: Any) -> _Built:
        if not arguments or not isinstance(arguments[0], bytes):
            return _Built(_TORCH_STORAGE, (arguments, {}))
        saved = arguments[0]
        if id(saved) not in self._read:
            self._read[id(saved)] = (saved, _storage(saved))
        return _Built(_TORCH_STORAGE, (self._read[id(saved)][1],))

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f"its pickle would change {_TORCH_STORAGE}")


def _storage(saved: bytes) -> Any:
    """Return what torch saved of a storage but for its key, which is an address in memory.

    So has every torch since 0.4 written it within other pickles: pickles one after the other, then
    the numbers of each key. Anything else is taken as it is.
    """
    headers, place = [], 0
    try:
        for _ in range(_HEADERS):
            header = saved[place : place + _HEADERS_LIMIT]
            check(header, calls=False)
            stream = io.BytesIO(header)
            headers.append(_StorageReader(stream).load())
            place += stream.tell()
    except Exception:  # noqa: BLE001 - what is not torch's can raise anything
        return saved
    *told, keys = headers
    if not isinstance(keys, list) or len(keys) != 1:
        return saved
    return (*told, saved[place:])


class _StorageReader(_Reader):
    """Leaves the key out of `("storage", type, key, location, size, view)`."""

    def persistent_load(self, pid: Any, /) -> Any:
        kind, type_, _, *rest = pid
        return _Built("persistent", (kind, type_, tuple(rest)))


class _Digests:
    """Digests values; what is met twice is digested once, and a cycle by how far up it leads."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._open: dict[int, int] = {}

    def of(self, value: Any) -> bytes:
        if isinstance(value, _ATOMS) and not _is_large(value):
            return _of_atom(value)
        place = id(value)  # all values live as long as the one that is digested
        if place in self._done:
            return self._done[place]
        if place in self._open:
            return _hash("cycle", str(len(self._open) - self._open[place]).encode())
        self._open[place] = len(self._open)
        digest = self._of_parts(value)
        del self._open[place]
        self._done[place] = digest
        return digest

    def _of_parts(self, value: Any) -> bytes:  # noqa: PLR0911 - one for each kind
        if isinstance(value, _ATOMS):
            return _of_atom(value)
        if isinstance(value, _Built):
            parts = [self.of(part) for part in value.parts]
            return _hash("object", *parts, b"members", *sorted(map(self.of, value.members)))
        if isinstance(value, _ClassNamed):
            return _hash("class", value.__name__.encode())
        if isinstance(value, _TorchStorages):
            return _hash("class", _TORCH_STORAGE.encode())
        if isinstance(value, (list, tuple)):
            return _hash(type(value).__name__, *map(self.of, value))
        if isinstance(value, (set, frozenset)):
            return _hash(type(value).__name__, *sorted(map(self.of, value)))
        if isinstance(value, dict):
            entries = (self.of(part) for entry in value.items() for part in entry)
            return _hash("dict", *entries)
        raise pickle.UnpicklingError(f"a {type(value).__name__} was not expected")


def _is_large(value: Any) -> bool:
    return isinstance(value, (str, bytes, bytearray)) and len(value) > _LARGE_ATOM


def _of_atom(value: Any) -> bytes:
    if isinstance(value, int) and value.bit_length() > _DIGITS_LIMIT_BITS:
        text = hex(value)
    else:
        text = repr(value)
    return _hash(type(value).__name__, text.encode("utf-8", "surrogatepass"))


def _hash(kind: str, *parts: bytes) -> bytes:
    digest = hashlib.sha256(kind.encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
