"""Log of an attempt of a task: sorted, with limits on its size."""

from __future__ import annotations

import gc
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from mfwb.ports import LogLine
from mfwb.source import logs as module
from mfwb.source.datastore.blobs import Blob
from mfwb.source.logs import read_log

DAY = 1_767_225_600_000  # 2026-01-01 in epoch ms


class Store:
    """Log files in memory."""

    def __init__(self, *, seekable: bool = True, **files: bytes) -> None:
        self._files = files
        self._seekable = seekable

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a file of `F/1/s/2/0.<name>.log`."""
        name = path.removeprefix("F/1/s/2/0.").removesuffix(".log")
        data = self._files.get(name)
        if data is None:
            yield None
        else:
            yield Blob(io.BytesIO(data) if self._seekable else Pipe(data), gzipped=True)


class Pipe:
    """A stream without seek."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        return self._stream.read(min(size, 1000))


def read(store: Store, most: int = 10**6) -> list[LogLine]:
    """Return the whole log."""
    return list(read_log(cast("Any", store), "F/1/s/2/0", max_bytes=most))


def said(second: float, text: bytes, source: str = "task") -> bytes:
    """Return a line as Metaflow writes it."""
    head = f"[MFLOG|0|2026-01-01T00:00:{second:09.6f}Z|{source}|0123-abcd]"
    return head.encode() + text + b"\n"


def test_four_files_become_one_log() -> None:
    """Lines of all files are sorted by time."""
    store = Store(
        task_stdout=said(1, b"one") + said(3, b"three"),
        task_stderr=said(2, b"two"),
        runtime_stdout=said(0, b"zero", "runtime") + said(4, b"", "runtime"),
    )

    assert read(store) == [
        LogLine("stdout", DAY, "zero"),
        LogLine("stdout", DAY + 1000, "one"),
        LogLine("stderr", DAY + 2000, "two"),
        LogLine("stdout", DAY + 3000, "three"),
        LogLine("stdout", DAY + 4000, ""),
    ]


def test_microseconds_decide_within_a_millisecond() -> None:
    """What stderr printed a moment before stdout comes first, in whatever file it is."""
    store = Store(task_stdout=said(1.0002, b"after"), task_stderr=said(1.0001, b"before"))

    assert [line.text for line in read(store)] == ["before", "after"]


def test_nothing_was_printed() -> None:
    """A stream that printed nothing has no file."""
    assert read(Store()) == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"caf\xe9", "caf\\xe9"),
        (b"a]b|c\r", "a]b|c\r"),
        ("\u20ac".encode(), "\u20ac"),
    ],
)
def test_any_bytes(line: bytes, text: str) -> None:
    """Bytes that are not UTF-8 are escaped."""
    assert read(Store(task_stdout=said(1, line))) == [LogLine("stdout", DAY + 1000, text)]


@pytest.mark.parametrize(
    "line",
    [
        b"no head",
        b"[MFLOG|0|yesterdayZ|task|1]x",
        b"[MFLOG|0|9999-99-99T00:00:00.000000Z|task|1]x",
        b"[MFLOG|0|9999-12-31T23:59:59.999999Z|task|1]x",
        b"[MFLOG|0|1000-01-01T00:00:00.000000Z|task|1]x",
        b"[MFLOG|1|2026-01-01T00:00:00.000000Z|task|1]x",
        b"[MFLOG|0|2026-01-01T00:00:00.000000Z|task]",
        b"[MFLOG|0|" + b"Z|" * 40_000,
    ],
)
def test_a_line_that_is_not_metaflows(line: bytes) -> None:
    """A line without a prefix keeps its text and position, and has no time."""
    store = Store(
        task_stdout=said(2, b"a") + line + b"\n" + said(5, b"b"), task_stderr=said(3, b"c")
    )

    lines = read(store)

    assert [item.text for item in lines] == ["a", line.decode(), "c", "b"]
    assert lines[1].time is None


@pytest.mark.parametrize("seekable", [True, False])
def test_a_large_log(seekable: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Beginning and end of a large log are kept; the number of excluded bytes is exact."""
    data = b"".join(said(1, b"%06d" % number) for number in range(50_000))

    lines = read(Store(task_stdout=data, seekable=seekable), most=160_000)

    [gap] = [location for location, line in enumerate(lines) if line.left_out]
    before, after = lines[:gap], lines[gap + 1 :]
    assert before[0].text == "000000"
    assert after[-1].text == "049999"
    kept = (len(before) + len(after)) * len(said(1, b"000000"))
    assert kept + lines[gap].left_out == len(data)
    assert 60_000 < kept <= 70_000
    assert lines[gap].text == f"[mfwb: {lines[gap].left_out:,} bytes are left out here]"


@pytest.mark.parametrize("seekable", [True, False])
def test_one_very_long_line(seekable: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A long line is cut; the number of excluded bytes is exact."""
    data = said(1, b"x" * 5_000_000)

    lines = read(Store(task_stdout=data, seekable=seekable), most=3_200_000)

    assert lines[0].time == DAY + 1000
    assert max(len(line.text) for line in lines) <= 100_000
    shown = sum(len(line.text) for line in lines if not line.left_out)
    head = len(said(1, b"")) - 1
    assert shown + head + sum(line.left_out for line in lines) == len(data)


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the log."""
    monkeypatch.setattr(module, "_READ_LIMIT", 40_000_000)

    class Endless:
        """A log without an end."""

        def read(self, size: int = -1, /) -> bytes:
            """Return the next bytes."""
            return (said(1, b"x" * 100) * (size // 100))[:size]

    class Endlessly(Store):
        @contextmanager
        def open(self, path: str) -> Iterator[Blob | None]:
            """Yield it."""
            yield Blob(Endless(), gzipped=True) if "task" in path else None

    gc.collect()
    tracemalloc.start()
    count = sum(1 for _ in read_log(cast("Any", Endlessly()), "F/1/s/2/0", max_bytes=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count > 1000
    assert peak < 12_000_000
