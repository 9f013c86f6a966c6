"""Digest of a pickle's content: equal for equal values, whatever their bytes.

Python pickles the same value into other bytes when strings in it are shared or not, or when a set
has another order. Reading an artifact is enough for that, because Metaflow pickles it again. So
pickles are unpickled with stand-ins, nothing in them is run, and the result is digested. As for
any inspection of a pickle, the limits are checked first: unpickling one can take for ever.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterable
from typing import Any

from mfwb.pickles.limits import check_limits
from mfwb.pickles.unpickler import Unpickler

__all__ = ["content_digest"]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray)
_LARGE_ATOM = 64  # bytes or characters; a larger value that occurs twice is digested once
_DIGITS_LIMIT_BITS = 14_284  # Python writes no int of more than 4,300 digits, which is 10**4300


def content_digest(pickled: bytes) -> str | None:
    """Return the digest of a pickle's content; None if the pickle can't be read.

    Equal contents have equal digests, even if their pickles differ. Objects are equal if they have
    the same class and were created and filled in the same way.
    """
    try:
        check_limits(pickled, calls=False)
        value = _ContentUnpickler(pickled).load()
        return _DigestBuilder().digest(value).hex()
    except (MemoryError, RecursionError):
        return None
    except Exception:  # noqa: BLE001 - a damaged pickle can raise anything
        return None


class _ContentUnpickler(Unpickler):
    def find(self, name: str) -> Any:
        return _TorchStorages() if name == _TORCH_STORAGE else _build_class_stand_in(name)

    def persistent_load(self, pid: Any, /) -> Any:
        return _BuiltStandIn("persistent", (pid,))


class _BuiltStandIn:
    """Stand-in for an object: records how it was created and filled, in order."""

    def __init__(self, maker: str, arguments: tuple[Any, ...]) -> None:
        self.parts: list[Any] = [maker, arguments]
        self.members: list[Any] = []  # of a set, whose order has no meaning

    def __call__(self, *arguments: Any) -> _BuiltStandIn:
        return _BuiltStandIn("call", (self, arguments))

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


class _ClassStandIn(type):
    """Metaclass of stand-ins for classes: the unpickler needs real classes to create objects."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> _BuiltStandIn:
        return _BuiltStandIn(cls.__name__, (arguments, keywords))

    def __setstate__(cls, state: Any) -> None:
        raise pickle.UnpicklingError(f"its pickle would change {cls.__name__}")


def _build_class_stand_in(name: str) -> _ClassStandIn:
    def new(_: type, *arguments: Any, **keywords: Any) -> _BuiltStandIn:
        return _BuiltStandIn(name, (arguments, keywords))

    return _ClassStandIn(name, (), {"__new__": new})


_TORCH_STORAGE = "torch.storage._load_from_bytes"
_HEADERS = 5  # magic number, version, machine, the storage, the keys of storages
_HEADERS_LIMIT = 65_536  # bytes


class _TorchStorages:
    """Stand-in for torch's function that loads a storage; reads each storage once."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[bytes, Any]] = {}  # by id; holds the bytes so no id is reused

    def __call__(self, *arguments: Any) -> _BuiltStandIn:
        if not arguments or not isinstance(arguments[0], bytes):
            return _BuiltStandIn(_TORCH_STORAGE, (arguments, {}))
        saved = arguments[0]
        if id(saved) not in self._read:
            self._read[id(saved)] = (saved, _read_storage(saved))
        return _BuiltStandIn(_TORCH_STORAGE, (self._read[id(saved)][1],))

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f"its pickle would change {_TORCH_STORAGE}")


def _read_storage(saved: bytes) -> Any:
    """Return the content of a storage that torch saved, without its key, an address in memory.

    Every torch since 0.4 writes a storage inside other pickles in this format: several pickles in
    a row, then the numbers of each key. Bytes in any other format are returned unchanged.
    """
    headers, position = [], 0
    try:
        for _ in range(_HEADERS):
            header = saved[position : position + _HEADERS_LIMIT]
            check_limits(header, calls=False)
            stream = io.BytesIO(header)
            headers.append(_StorageUnpickler(stream).load())
            position += stream.tell()
    except Exception:  # noqa: BLE001 - bytes that torch did not write can raise anything
        return saved
    *headers, keys = headers
    if not isinstance(keys, list) or len(keys) != 1:
        return saved
    return (*headers, saved[position:])


class _StorageUnpickler(_ContentUnpickler):
    """Unpickler that drops the key from `("storage", type, key, location, size, view)`."""

    def persistent_load(self, pid: Any, /) -> Any:
        kind, type_, _, *rest = pid
        return _BuiltStandIn("persistent", (kind, type_, tuple(rest)))


class _DigestBuilder:
    """Computes digests; each object once, and a cycle by the number of levels it goes up."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._open: dict[int, int] = {}

    def digest(self, value: Any) -> bytes:
        if isinstance(value, _ATOMS) and not _is_large(value):
            return _digest_atom(value)
        key = id(value)  # unique: the outermost value keeps all others alive
        if key in self._done:
            return self._done[key]
        if key in self._open:
            return _hash("cycle", str(len(self._open) - self._open[key]).encode())
        self._open[key] = len(self._open)
        digest = self._digest_parts(value)
        del self._open[key]
        self._done[key] = digest
        return digest

    def _digest_parts(self, value: Any) -> bytes:  # noqa: PLR0911 - one return per type
        if isinstance(value, _ATOMS):
            return _digest_atom(value)
        if isinstance(value, _BuiltStandIn):
            parts = [self.digest(part) for part in value.parts]
            return _hash("object", *parts, b"members", *sorted(map(self.digest, value.members)))
        if isinstance(value, _ClassStandIn):
            return _hash("class", value.__name__.encode())
        if isinstance(value, _TorchStorages):
            return _hash("class", _TORCH_STORAGE.encode())
        if isinstance(value, (list, tuple)):
            return _hash(type(value).__name__, *map(self.digest, value))
        if isinstance(value, (set, frozenset)):
            return _hash(type(value).__name__, *sorted(map(self.digest, value)))
        if isinstance(value, dict):
            entries = (self.digest(part) for entry in value.items() for part in entry)
            return _hash("dict", *entries)
        raise pickle.UnpicklingError(f"a {type(value).__name__} was not expected")


def _is_large(value: Any) -> bool:
    return isinstance(value, (str, bytes, bytearray)) and len(value) > _LARGE_ATOM


def _digest_atom(value: Any) -> bytes:
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
