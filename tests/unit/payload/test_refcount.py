"""Temporary files are deleted when nobody needs them any more."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest

from mfwb.errors import ItemLost
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload import PayloadBuilder
from mfwb.payload.refcount import RefCount
from mfwb.planning import Form, Plan, PlannedCard, PlannedFile, PlannedRun, Preview
from mfwb.snapshot import Card
from mfwb.snapshot.pathspec import FlowRunId
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
PATIENCE = 30  # seconds


class WithCard(MemoryContents):
    """Has a card, too."""

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card by its type."""
        if card.type == "gone":
            raise ItemLost(f"no card of {task}")
        path.write_text(f"<p>{card.type}</p>")


@pytest.fixture
def contents() -> WithCard:
    """Return contents in which the task printed nothing."""
    result = WithCard()
    result.logs[TASK] = []
    return result


def builder_in(folder: Path, forkserver: Forkserver, *, keep: bool = False) -> PayloadBuilder:
    """Return a builder that works with the shared processes."""
    return PayloadBuilder(folder, keep=keep, forkservers={False: forkserver})


def run_of(name: str, *files: PlannedFile, card: str | None = None) -> PlannedRun:
    """Return a W&B run with an artifact for each file."""
    run = planned_run(name=name, outputs=[output(file) for file in files])
    if card is None:
        return run
    cards = (PlannedCard("card", TASK, Card(card, None, "uuid")),)
    return replace(run, cards=cards)


def plan_of(*runs: PlannedRun) -> Plan:
    """Return a plan of W&B runs."""
    return Plan("Flow/1", FlowRunId("Flow/1", "local@/x", 0), None, "flow", "Flow/1", runs)


def suffixes(folder: Path) -> list[str]:
    """Return what kinds of files there are."""
    names = (path.name for path in folder.rglob("*") if path.is_file() and path.name != "owner")
    return sorted(_OF_MASKS.sub("", name.partition(".")[2]) for name in names)


_OF_MASKS = re.compile(r"^m[0-9a-f]{16}\.")
"""The part of a name that the rules of masks decide."""


def test_files_go_with_their_last_user(
    tmp_path: Path, forkserver: Forkserver, contents: WithCard
) -> None:
    """What two W&B runs need stays until both are written; what one needs goes with it."""
    shared = planned_file(contents.add(FRAME), Form.PARQUET, "x", Preview.TABLE)
    frames = planned_file(contents.add({"k": FRAME}), Form.FRAMES, "y")
    refused = planned_file(contents.add("no array"), Form.ARRAY, "z")
    first = run_of("first", shared, frames, refused, card="same")
    second = run_of("second", shared, card="same")
    builder = builder_in(tmp_path, forkserver)
    builder.prestart(plan_of(first, second))

    builder.prepare(first, contents)
    assert suffixes(tmp_path) == ["html", "parquet", "parquet", "pkl", "rows.json"]
    builder.prepare(second, contents)
    builder.release(first)
    assert suffixes(tmp_path) == ["html", "parquet", "rows.json"]
    builder.release(second)
    assert suffixes(tmp_path) == []
    assert contents.read_whole == ["x", "x", "x"]


def test_memory_of_what_was_written(tmp_path: Path, forkserver: Forkserver) -> None:
    """A sync of many flow runs copies any number of contents, and keeps nothing of them."""
    builder = builder_in(tmp_path, forkserver)

    def write(numbers: range) -> None:
        for number in numbers:
            contents = WithCard()
            contents.logs[TASK] = []
            run = run_of(f"run {number}", planned_file(contents.add(number), Form.PICKLE))
            builder.prestart(plan_of(run))
            builder.prepare(run, contents)
            builder.release(run)

    write(range(20))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    write(range(100, 400))
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 300 * 100  # bytes; the sha1 alone has 89


def test_user_that_is_there_already(
    tmp_path: Path, forkserver: Forkserver, contents: WithCard
) -> None:
    """A W&B run that needs nothing, as it is there, lets go as well."""
    file = planned_file(contents.add(FRAME), Form.PARQUET)
    first, second = run_of("first", file), run_of("second", file)
    builder = builder_in(tmp_path, forkserver)
    builder.prestart(plan_of(first, second))

    builder.prepare(first, contents)
    builder.release(first)
    assert suffixes(tmp_path) == ["parquet", "rows.json"]  # its columns may be curves
    builder.release(second)
    assert suffixes(tmp_path) == []


def test_flow_run_that_broke_off(
    tmp_path: Path, forkserver: Forkserver, contents: WithCard
) -> None:
    """What a flow run left behind when it failed goes, but for what another one needs."""
    shared, alone = (planned_file(contents.add(name), Form.PICKLE, name) for name in ("a", "b"))
    broken, other = run_of("broken", shared, alone), run_of("other", shared)
    builder = builder_in(tmp_path, forkserver)
    builder.prestart(plan_of(broken))
    builder.prestart(plan_of(other))
    builder.prepare(broken, contents)

    builder.discard(plan_of(broken))
    assert suffixes(tmp_path) == ["pkl"]
    builder.discard(plan_of(other))
    assert suffixes(tmp_path) == []


def test_bundle(tmp_path: Path, forkserver: Forkserver, contents: WithCard) -> None:
    """A bundle keeps everything."""
    run = run_of("first", planned_file(contents.add(FRAME), Form.PARQUET), card="same")
    builder = builder_in(tmp_path, forkserver, keep=True)
    builder.prestart(plan_of(run))
    builder.prepare(run, contents)

    builder.release(run)
    builder.prestart(plan_of(run))

    assert suffixes(tmp_path) == ["html", "parquet", "rows.json"]


def test_refcount() -> None:
    """A key is free when its last holder has let go, and only once."""
    refcount = RefCount()
    refcount.acquire("a", ["x", "y", "x"])
    refcount.acquire("b", ["y"])

    assert refcount.release("a") == ["x"]
    assert refcount.release("a") == []
    assert refcount.release("b") == ["y"]
    assert refcount.is_empty
    refcount.acquire("c", ["z"])
    assert not refcount.is_empty


PROGRAM = """
import json, sys
from pathlib import Path
from mfwb.config import Settings
from mfwb.planning import Form
from mfwb.wiring import wire_source
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

class Waits(str):
    def __reduce__(self):
        return exec, ("import os, time; open(%r, 'w').write(str(os.getpid())); time.sleep(900)",)

contents = MemoryContents()
contents.logs[TASK] = []
files = [
    planned_file(contents.add("kept", "kept"), Form.PICKLE, "kept"),
    planned_file(contents.add(Waits(), "waits"), Form.PARQUET, "waits"),
]
run = planned_run(outputs=[output(one) for one in files], unpickle="trusted")
with wire_source(Settings()) as (_, payloads):
    payloads.prepare(run, contents)
    if %r == "failure":
        raise ValueError
"""


@pytest.mark.parametrize(
    "ending",
    ["interrupt", "failure", pytest.param("kill of the process", marks=pytest.mark.exhaustive)],
)
def test_nothing_is_left(ending: str, tmp_path: Path) -> None:
    """However it ends, no file stays behind, and no process."""
    marker = tmp_path / "pid"
    (tmp_path / "tmp").mkdir()
    (tmp_path / ".metaflow").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM % (str(marker), ending)],
        cwd=tmp_path,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "TMPDIR": str(tmp_path / "tmp"),
        },
        stderr=subprocess.PIPE,
    ) as process:
        child = int(wait_for_text(marker))
        assert "pkl" in suffixes(tmp_path / "tmp")
        if ending == "interrupt":
            process.send_signal(signal.SIGINT)
        else:
            os.kill(child, signal.SIGKILL)
        _, reported = process.communicate(timeout=PATIENCE)

    expected = {"interrupt": b"KeyboardInterrupt", "failure": b"ValueError"}.get(ending, b"")
    assert reported.strip().endswith(expected)
    assert [path for path in (tmp_path / "tmp").rglob("*") if "mfwb" in path.name] == []
    assert not psutil.pid_exists(child)


def wait_for_text(path: Path) -> str:
    """Return what a process writes into a file once it is there."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.02)
    return path.read_text()
