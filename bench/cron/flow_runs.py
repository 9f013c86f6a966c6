"""The flow runs that are synced: one by Metaflow, the others copies of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.small_flow import run_small_flow
from tests.support.copies import add_to_ledger, copy_flow_run, copy_listing

__all__ = ["BUILD", "Sample", "add_synced", "many", "masses", "ten_steps", "three_new"]

BUILD = Path(__file__).resolve().parent.parent.parent / "build" / "bench-cron"
_FLOWS = Path(__file__).resolve().parent.parent.parent / "tests" / "flows"
_MINUTE = 60_000  # ms
_DAY = 24 * 60 * _MINUTE


@dataclass(frozen=True, slots=True)
class Sample:
    """Flow runs of one flow, in a local datastore of their own."""

    root: Path
    pathspecs: tuple[str, ...]

    @property
    def metadata(self) -> str:
        """What mfwb is told to find them."""
        return f"local@{self.root}"


def many(count: int) -> Sample:
    """Return that many flow runs of two steps, ten minutes apart."""
    root, first = _first("two_flow", f"two-steps-{count}")
    begin = _started_at_ms(first)
    copies = [
        copy_flow_run(root, first, started_at_ms=begin - 10 * _MINUTE * number)
        for number in range(1, count)
    ]
    return Sample(root, (*reversed(copies), first))


def masses(count: int) -> Sample:
    """Return that many flow runs of two steps, ten minutes apart; those of an earlier call stay.

    Of all but the first there is only what a listing shows; see `add_synced`.
    """
    root = BUILD / f"masses-{count}"
    made = root / "pathspecs.json"
    if not made.exists():
        root, first = _first("two_flow", root.name)
        begin = _started_at_ms(first)
        copies = [
            copy_listing(root, first, started_at_ms=begin - 10 * _MINUTE * number)
            for number in range(1, count)
        ]
        made.write_text(json.dumps([first, *copies]), encoding="utf-8")
    return Sample(root, tuple(json.loads(made.read_text(encoding="utf-8"))))


def add_synced(sample: Sample, ledger: Path) -> None:
    """Let all be synced as the first one was: to sync them takes hours."""
    first, *others = sample.pathspecs
    add_to_ledger(ledger, first, others)


def ten_steps(count: int) -> Sample:
    """Return that many flow runs of ten steps, a minute apart."""
    root, first = _first("ten_flow", "ten-steps")
    begin = _started_at_ms(first)
    copies = [
        copy_flow_run(root, first, started_at_ms=begin - _MINUTE * number)
        for number in range(1, count)
    ]
    return Sample(root, (*reversed(copies), first))


def three_new(count: int) -> Sample:
    """Return three flow runs of now, with so many of long ago that there are `count`.

    Of those of long ago there is only what a listing shows: who opens one finds it empty, and is
    found out.
    """
    root, first = _first("two_flow", "three-new")
    begin = _started_at_ms(first)
    new = [copy_flow_run(root, first, started_at_ms=begin - _MINUTE * n) for n in (1, 2)]
    for number in range(count - 3):
        copy_listing(root, first, started_at_ms=begin - 30 * _DAY - _MINUTE * number)
    return Sample(root, (*new, first))


def _first(flow: str, folder_name: str) -> tuple[Path, str]:
    """Run a flow of the tests in a new folder, and return folder and pathspec."""
    root = BUILD / folder_name
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return root, run_small_flow(_FLOWS / f"{flow}.py", root)


def _started_at_ms(pathspec: str) -> int:
    return int(pathspec.partition("/")[2]) // 1000
