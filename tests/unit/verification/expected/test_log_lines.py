"""The lines of the Logs tab, from logs in a real datastore."""

from __future__ import annotations

from pathlib import Path

from metaflow.mflog import mflog

from mfwb.redaction import Masker
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.datastore.local import LocalBlobs
from mfwb.verification.expected.log_lines import read_lines
from tests.unit.verification.expected.facts_of_tasks import task

_DAY = "2026-01-01"


def _line(second: int, text: str) -> bytes:
    line: bytes = mflog.decorate("task", text.encode() + b"\n")
    parsed = mflog.parse(line)
    return line.replace(parsed.utc_tstamp_str, f"{_DAY}T00:00:{second:02d}.000000".encode())


def _lines(root: Path, *, labelled: bool = False, **logs: bytes) -> list[str] | None:
    folder = root / "F" / "1" / "fit" / "0"
    folder.mkdir(parents=True)
    for name, data in logs.items():
        (folder / f"0.{name}.log").write_bytes(data)
    store = FlowStore(LocalBlobs(str(root)), "F")
    lines = read_lines([(task("fit"), store)], masker=Masker(), labelled=labelled)
    return None if lines is None else [line.clock + line.text for line in lines]


def test_streams_are_merged_by_time(tmp_path: Path) -> None:
    """Lines of stderr are marked, and stand between those of stdout."""
    out, errors = _line(1, "a") + _line(3, "c"), _line(2, "b")

    assert _lines(tmp_path, labelled=True, task_stdout=out, task_stderr=errors) == [
        f"{_DAY} 00:00:01.000Z [0] a",
        f"{_DAY} 00:00:02.000Z [stderr] [0] b",
        f"{_DAY} 00:00:03.000Z [0] c",
    ]


def test_progress_bars_and_controls(tmp_path: Path) -> None:
    """Each part that overwrote another one is a line; colours stay, other controls go."""
    out = _line(1, "1%\r2%") + _line(2, "\x1b[31mred\x1b[0m\x1b[2Kbar")
    lines = _lines(tmp_path, task_stdout=out)

    assert lines is not None
    assert [line.partition("Z ")[2] for line in lines] == ["1%", "2%", "\x1b[31mred\x1b[0mbar"]


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    """Such a log is not synced as a whole, so it is not compared."""
    assert _lines(tmp_path, task_stdout=_line(1, "a" * 200_000)) is None
