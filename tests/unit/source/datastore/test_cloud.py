"""Blobs of a cloud, from the answers that its client gives."""

from __future__ import annotations

import pytest

from mfwb.errors import ItemLost, SourceError
from mfwb.source.datastore.cloud import CloudBlobs, StoredBlob

MIB = 1 << 20
PATH = "Flow/data/ab/abcd"


class Answers:
    """The answers of a client about one blob, and the ranges that it was asked for."""

    def __init__(self, data: bytes, uri: str | None = f"gs://bucket/{PATH}") -> None:
        self.data = data
        self.uri = uri
        self.ranges: list[tuple[int, int]] = []

    def look_up(self, path: str) -> StoredBlob | None:
        """Return the blob, or None for another path."""
        if path != PATH:
            return None
        return StoredBlob(len(self.data), "tag", "7", None, None, self.uri, self.fetch)

    def fetch(self, start: int, end: int) -> bytes:
        """Return a range."""
        self.ranges.append((start, end))
        return self.data[start:end]


def read(answers: Answers, size: int = -1) -> bytes:
    """Return the first bytes of the blob."""
    with CloudBlobs(answers.look_up).open(PATH) as blob:
        assert blob is not None
        return blob.stream.read(size)


def test_a_large_blob_takes_few_requests() -> None:
    """Each range is twice as long as the one before, up to what memory has room for."""
    data = bytes(range(256)) * (4096 * 20)
    answers = Answers(data)

    with CloudBlobs(answers.look_up).open(PATH) as blob:
        assert blob is not None
        chunks = iter(lambda: blob.stream.read(65_536), b"")
        assert b"".join(chunks) == data

    lengths = [(end - start) // MIB for start, end in answers.ranges]
    assert lengths == [1, 2, 4, 8, 5]


def test_the_first_bytes_take_one_short_request() -> None:
    """Whoever looks at the beginning does not wait for the rest."""
    answers = Answers(bytes(20 * MIB))

    assert read(answers, 64) == bytes(64)
    assert answers.ranges == [(0, MIB)]


@pytest.mark.parametrize("data", [b"", b"x", b"xyz"])
def test_a_small_blob(data: bytes) -> None:
    """Its range ends where it ends; an empty one needs none."""
    answers = Answers(data)

    assert read(answers) == data
    assert answers.ranges == ([(0, len(data))] if data else [])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_range_of_another_length_is_an_error(change: int) -> None:
    """Not the end of the blob, nor a part of it."""
    answers = Answers(b"12345")
    fetch = answers.fetch

    def of_another_length(start: int, end: int) -> bytes:
        return fetch(start, end)[:-1] if change < 0 else fetch(start, end) + b"6"

    answers.fetch = of_another_length  # type: ignore[method-assign]

    with pytest.raises(SourceError, match="bytes instead of 5"):
        read(answers)


def test_no_such_blob() -> None:
    """It is None to a reader, and lost to a reference."""
    blobs = CloudBlobs(Answers(b"").look_up)

    with blobs.open("Flow/data/cd/cdef") as blob:
        assert blob is None
    with pytest.raises(ItemLost, match="gone"):
        blobs.locate("Flow/data/cd/cdef")


@pytest.mark.parametrize(
    ("uri", "is_located"),
    [(f"gs://bucket/{PATH}", True), ("gs://bucket/a#b", False), ("gs://a?b", False), (None, False)],
)
def test_a_reference_is_one_that_others_can_follow(uri: str | None, *, is_located: bool) -> None:
    """Other programs end the path at `?` and `#`."""
    answers = Answers(b"12345", uri)

    location = CloudBlobs(answers.look_up).locate(PATH)

    assert (location is not None) == is_located
    if location is not None:
        assert (location.uri, location.size, location.etag) == (uri, 5, "tag")
        assert (location.gzipped, location.version) == (True, "7")
    assert answers.ranges == []
