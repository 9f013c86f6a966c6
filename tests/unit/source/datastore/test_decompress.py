"""Limits of the decompressed size of a blob."""

from __future__ import annotations

import gzip
import hashlib
import io

import pytest

from mfwb.errors import ItemLost
from mfwb.source.datastore.blobs import Blob
from mfwb.source.datastore.checksums import Digests
from mfwb.source.datastore.decompress import GrowthLimit, decompress, decompress_small


def unpack(data: bytes, *, most: int | None, growth: GrowthLimit | None = None) -> int:
    """Return the decompressed size of data."""
    blob = Blob(io.BytesIO(gzip.compress(data)), gzipped=True)
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return sum(map(len, decompress(blob, sha, most, Digests(0), growth)))


ZEROS = bytes(10_000_000)


def test_zeros() -> None:
    """Zeros shrink to a thousandth, and are valid data up to their recorded size."""
    assert unpack(ZEROS, most=len(ZEROS)) == len(ZEROS)


def test_more_than_recorded() -> None:
    """The recorded size is the limit."""
    with pytest.raises(ItemLost, match="more bytes of it than are recorded"):
        unpack(ZEROS, most=len(ZEROS) - 1)


def test_a_size_that_is_made_up() -> None:
    """Decompression ends at a multiple of the stored size, for any recorded size."""
    with pytest.raises(ItemLost, match="more bytes than 200 times what is stored"):
        unpack(ZEROS, most=2**62, growth=GrowthLimit(free=1_000_000, times=200))


def test_little_may_grow_as_it_likes() -> None:
    """A few bytes can't fill a disk."""
    assert unpack(ZEROS, most=2**62, growth=GrowthLimit(free=len(ZEROS), times=1)) == len(ZEROS)


def test_what_does_not_shrink() -> None:
    """Noise does not shrink, and is read at any size."""
    noise = b"".join(hashlib.sha256(bytes([location])).digest() for location in range(200)) * 100

    assert unpack(noise, most=len(noise), growth=GrowthLimit(free=0, times=200)) == len(noise)


def sha_of(data: bytes) -> str:
    """Return the sha1 by which Metaflow names a blob."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("stored", [b"bytes", gzip.compress(b"bytes")], ids=["plain", "gzip"])
def test_small_ones_are_proven_by_their_sha1(stored: bytes) -> None:
    """Gzipped or not."""
    assert decompress_small(stored, sha_of(b"bytes"), 5) == b"bytes"


@pytest.mark.parametrize(
    "stored",
    [
        b"byteS",
        b"",
        gzip.compress(b"byteS"),
        gzip.compress(b"bytes")[:-1],
        gzip.compress(b"bytes") + b"!",
        gzip.compress(gzip.compress(b"bytes")),
    ],
    ids=["another", "empty", "another in gzip", "cut", "longer", "twice"],
)
def test_what_is_not_proven_is_none(stored: bytes) -> None:
    """Another content, half of it, and what follows it."""
    assert decompress_small(stored, sha_of(b"bytes"), 100) is None


@pytest.mark.parametrize("stored", [ZEROS, gzip.compress(ZEROS)], ids=["plain", "gzip"])
def test_small_ones_have_a_limit(stored: bytes) -> None:
    """What is longer than recorded is not returned."""
    assert decompress_small(stored, sha_of(ZEROS), len(ZEROS)) == ZEROS
    assert decompress_small(stored, sha_of(ZEROS), len(ZEROS) - 1) is None
