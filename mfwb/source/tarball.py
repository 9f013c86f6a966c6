"""Read the files of a gzipped tar that a stranger may have made.

Nothing is extracted, and no link is followed. `tarfile` is only used to decode single headers:
reading a whole tar, it allocates the size that a header claims, seeks backwards for a negative
size, and takes minutes for a crafted extended header, each depending on the version of Python.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

__all__ = ["Member", "TarballError", "normalize_name", "read_files", "read_members"]

_UNPACKED_LIMIT = 256_000_000  # bytes
_MEMBERS_LIMIT = 50_000
_EXTENDED_LIMIT = 64_000  # bytes of an extended header: a name takes some hundreds
_NAME_LIMIT = 1_000  # letters
_DIGITS_LIMIT = 12  # of the length of a file or a record

_BLOCK = 512
_CHUNK = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_EXTENDED = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_WITHOUT_NAME = (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)  # they describe other members
# Offsets of the flag for a further block: in the header of a sparse file, and in each such block.
_SPARSE_CONTINUES, _SPARSE_BLOCK_CONTINUES = 482, 504


class TarballError(ValueError):
    """A tar is damaged, or larger than any real code; the text is the reason."""


class Member:
    """A member of a tar that is not a folder. Its bytes can be read until the next one is.

    Attributes:
        name: normalized, below the root; None if it leads out of the root.
        recorded_name: as the tar has it.
        is_file: whether it is a regular file, and no link or device.
        size: in bytes.
    """

    def __init__(
        self, unpacked: _Decompressor, recorded_name: str, size: int, *, is_file: bool
    ) -> None:
        self._unpacked = unpacked
        self.name = normalize_name(recorded_name)
        self.recorded_name = recorded_name
        self.is_file = is_file
        self.size = size
        self.left = size if is_file else 0  # bytes that were not read

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all of them by default; TarballError if the tar is cut off."""
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return self._unpacked.read(size)


def read_files(packed: bytes, max_size: Callable[[str], int]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the selected regular files, in the order of the tar.

    Args:
        packed: the gzipped tar.
        max_size: returns how many bytes a file of that name may have; 0: skip it.

    Raises:
        TarballError: if it can't be read any further.
    """
    for member in read_members(io.BytesIO(packed)):
        if member.is_file and member.name is not None and member.size <= max_size(member.name):
            yield member.name, member.read()


def read_members(packed: BinaryIO, max_unpacked: int = _UNPACKED_LIMIT) -> Iterator[Member]:
    """Yield all members that are not folders, in the order of the tar.

    Args:
        packed: the gzipped tar.
        max_unpacked: the number of bytes to which it may unpack.

    Raises:
        TarballError: if it can't be read any further.
    """
    unpacked = _Decompressor(packed, max_unpacked)
    extended: dict[str, str] = {}
    for _ in range(_MEMBERS_LIMIT):
        block = unpacked.read(_BLOCK)
        header = _header(block)
        if header is None:
            return
        if header.type in _EXTENDED:
            extended |= _parse_records(_read_extension(unpacked, header))
            continue
        if header.type == tarfile.GNUTYPE_LONGNAME:
            long_name, _, _ = _read_extension(unpacked, header).partition(b"\0")
            extended["path"] = long_name.decode("utf-8", "replace")
            continue
        size = _size(header, extended)
        is_file = header.type in _FILES and not any(
            key.startswith("GNU.sparse") for key in extended
        )
        name = extended.get("path", header.name)
        extended = {}
        if header.type == tarfile.DIRTYPE or header.type in _WITHOUT_NAME:
            _skip(unpacked, header, block, size)
            continue
        member = Member(unpacked, name, size, is_file=is_file)
        yield member
        if is_file:
            unpacked.skip(member.left + -size % _BLOCK)
        else:
            _skip(unpacked, header, block, size)
    raise TarballError(f"it has more than {_MEMBERS_LIMIT:,} files")


def normalize_name(name: str) -> str | None:
    """Return a file's normalized name below the root; None if it leads out of the root."""
    parts = name.split("/")
    if not name or name.startswith("/") or len(name) > _NAME_LIMIT or ".." in parts:
        return None
    if any(sign in name for sign in "\0\\:"):  # separators elsewhere
        return None
    return posixpath.normpath(name)


def _header(block: bytes) -> tarfile.TarInfo | None:
    """Return a decoded header; None at the end of the tar."""
    if not any(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError) as error:
        raise TarballError(f"it is damaged: {error}") from None


def _size(header: tarfile.TarInfo, extended: dict[str, str]) -> int:
    recorded = extended.get("size")
    if recorded is not None and not (recorded.isdecimal() and len(recorded) <= _DIGITS_LIMIT):
        raise TarballError("it is damaged: a file has no size")
    size = header.size if recorded is None else int(recorded)
    if size < 0:
        raise TarballError("it is damaged: a file has a negative size")
    return size


def _read_extension(unpacked: _Decompressor, header: tarfile.TarInfo) -> bytes:
    """Return the bytes of a header that extends the next one."""
    if not 0 <= header.size <= _EXTENDED_LIMIT:
        raise TarballError(f"it has a header of {header.size:,} bytes")
    data = unpacked.read(header.size)
    unpacked.skip(-header.size % _BLOCK)
    return data


def _parse_records(data: bytes) -> dict[str, str]:
    """Return the fields of an extended header: lines such as `18 path=some_file`."""
    records: dict[str, str] = {}
    start = 0
    while start < len(data) and data[start]:
        space = data.find(b" ", start, start + _DIGITS_LIMIT)
        digits = data[start:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        if length <= len(digits) + 1 or start + length > len(data):
            raise TarballError("it is damaged: an extended header is not valid")
        key, _, value = data[space + 1 : start + length - 1].partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        start += length
    return records


def _skip(unpacked: _Decompressor, header: tarfile.TarInfo, block: bytes, size: int) -> None:
    """Go to the next header."""
    if header.type == tarfile.GNUTYPE_SPARSE:
        continues = block[_SPARSE_CONTINUES]
        while continues:
            continues = unpacked.read(_BLOCK)[_SPARSE_BLOCK_CONTINUES]
    # A link, a folder or a device has no bytes, whatever its header says.
    if header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:
        unpacked.skip(size + -size % _BLOCK)


class _Decompressor:
    """Reads the decompressed bytes of a gzip in order, never more than requested.

    Further gzip members are ignored, as no program writes them into a code package.
    """

    def __init__(self, packed: BinaryIO, max_unpacked: int) -> None:
        self._packed = packed
        self._max_unpacked = max_unpacked
        self._zlib = zlib.decompressobj(_GZIP)
        self._tail = b""  # input that zlib has not consumed yet
        self._ready = b""
        self._left = max_unpacked

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes; TarballError if there are fewer."""
        return b"".join(self._pieces(size))

    def skip(self, size: int) -> None:
        """Skip so many bytes; TarballError if there are fewer."""
        for _ in self._pieces(size):
            pass

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._ready:
                self._ready = self._next()
            piece = self._ready[:size]
            self._ready = self._ready[size:]
            size -= len(piece)
            yield piece

    def _next(self) -> bytes:
        """Return some more bytes."""
        while not self._zlib.eof:
            data = self._tail or self._packed.read(_CHUNK)
            try:
                unpacked = self._zlib.decompress(data, _CHUNK)
            except zlib.error as error:
                raise TarballError(f"it is damaged: {error}") from None
            self._tail = self._zlib.unconsumed_tail
            self._left -= len(unpacked)
            if self._left < 0:
                raise TarballError(f"it unpacks to more than {self._max_unpacked // 1_000_000} MB")
            if unpacked:
                return unpacked
            if not data:
                break
        raise TarballError("it is cut off")
