"""Small blobs that were read lately, within a bound of bytes."""

from __future__ import annotations

import tracemalloc

from mfwb.source.datastore.recent_blobs import RecentBlobs


def test_what_was_added_is_there() -> None:
    """An empty blob is one, too."""
    recent = RecentBlobs(1_000)
    recent.add("a", b"12")
    recent.add("b", b"")
    assert recent.get("a") == b"12"
    assert recent.get("b") == b""
    assert recent.get("c") is None


def test_what_was_used_longest_ago_goes_first() -> None:
    """To get a blob is to use it."""
    recent = RecentBlobs(3 * 260)
    for name in "abc":
        recent.add(name, name.encode() * 10)
    recent.get("a")
    recent.add("d", b"d" * 10)
    assert recent.get("b") is None
    assert recent.get("a") == b"a" * 10
    assert recent.get("c") == b"c" * 10
    assert recent.get("d") == b"d" * 10


def test_the_same_blob_counts_once() -> None:
    """Or else it would push out others."""
    recent = RecentBlobs(3 * 260)
    for _ in range(10):
        recent.add("a", b"a" * 10)
    recent.add("b", b"b" * 20)
    assert recent.get("a") == b"a" * 10
    assert recent.get("b") == b"b" * 20


def test_what_python_takes_for_each_counts() -> None:
    """Most artifacts are numbers, whose pickles are a tenth of what it takes to keep them."""
    recent = RecentBlobs()
    tracemalloc.start()
    for number in range(40_000):
        recent.add(f"{number:040d}", b"%017d" % number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 6_000_000


def test_no_blob_takes_the_room_of_all_others() -> None:
    """A large one is not kept, and of many only the last four megabytes are."""
    recent = RecentBlobs()
    recent.add("small", b"s")
    recent.add("large", b"l" * 64_001)
    recent.add("largest", b"l" * 64_000)
    assert recent.get("small") == b"s"
    assert recent.get("large") is None
    assert recent.get("largest") == b"l" * 64_000
    for number in range(100):
        recent.add(str(number), bytes(64_000))
    assert recent.get("small") is None
    assert sum(recent.get(str(number)) is not None for number in range(100)) == 62
