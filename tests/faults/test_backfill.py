"""Backfills that are killed: nothing twice, nothing lost, and W&B as after one sync."""

from __future__ import annotations

import gzip
import json
import os
import signal
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.backfills import FLOW, Backfills, statuses, wait_until, workers_of
from tests.faults.scene import differences
from tests.support.wandb_server import WandbServer
from tests.support.warm import Process

_RUNS_OF_ONE = 2  # W&B runs of each flow run
_REPOSITORY = Path(__file__).parents[2]
_FLOW_FILE = _REPOSITORY / "mfwb" / "flows" / "backfill_flow.py"


@pytest.fixture
def server() -> Iterator[WandbServer]:
    """Return a stand-in for W&B."""
    with WandbServer() as started:
        yield started


@pytest.mark.timeout(1500)
def test_a_backfill_is_ended_in_each_way(tmp_path: Path, server: WandbServer) -> None:
    """By Ctrl-C, by a kill of it alone, and by one of a worker; the last call is whole.

    A flow run that appears meanwhile is not part of it.
    """
    number = 4
    scene = Backfills.make(tmp_path, number, server)
    expected = scene.state_after_one_sync()
    command = scene.arguments(2)
    state = tmp_path / "state"

    first = scene.start(*command, "--processes", "2")
    scene.wait_for_runs(1, first)
    workers = workers_of(first)
    os.kill(first.pid, signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    # Nothing is said of flow runs that it did not come to, and no file on a bug is left.
    assert err.splitlines()[-1] == "mfwb: interrupted; run it again to carry on"
    assert "failed" not in out + err
    assert list(state.glob("bug-*")) == []
    wait_until(lambda: not any(map(_lives, workers)))
    assert any((state / "backfills").iterdir())

    scene.add_newer()
    second = scene.start(*command, "--processes", "1")
    scene.wait_for_runs(min(scene.finished() + 4, 2 * number - 2), second)
    orphans = workers_of(second)
    second.close()
    wait_until(lambda: not any(map(_lives, orphans)))

    last = scene.start(*command, "--processes", "2")
    wait_until(lambda: len(workers_of(last)) > 0, last)
    workers_of(last)[0].kill()
    out, err = last.communicate(timeout=1000)
    assert last.returncode == 0, err[-3000:]
    document = json.loads(out)
    assert {item["status"] for item in document["flow_runs"]} <= {"synced", "unchanged"}
    assert len(document["flow_runs"]) == number
    assert {shard["state"] for shard in document["shards"]} == {"done"}
    notes = "\n".join(document["notes"])
    assert "was killed by SIGKILL; it was started again" in notes
    assert notes.startswith("this carries on with the flow runs that were chosen on ")
    assert differences(scene.state(), expected) == []
    assert len(scene.state()["runs"]) == number * _RUNS_OF_ONE
    assert server.surprises == []
    assert not any((state / "backfills").iterdir())
    again = scene.own.mfwb("sync", FLOW, "--all", "--json", *scene.location)
    assert statuses(again) == {"unchanged": number, "synced": 1}


@pytest.mark.exhaustive
@pytest.mark.timeout(6000)
@pytest.mark.parametrize(("number", "shards"), [(400, 4)])
def test_a_backfill_survives_kills(
    tmp_path: Path, server: WandbServer, number: int, shards: int
) -> None:
    """One worker is killed, then the backfill alone, then all of it; the last call is whole."""
    scene = Backfills.make(tmp_path, number, server)
    expected = scene.state_after_one_sync()
    arguments = (*scene.arguments(shards), "--processes", str(shards))
    wandb_runs = number * _RUNS_OF_ONE

    first = scene.start(*arguments)
    scene.wait_for_runs(wandb_runs // 5, first)
    workers_of(first)[0].kill()
    scene.wait_for_runs(wandb_runs // 3, first)
    orphans = workers_of(first)
    first.close()
    wait_until(lambda: not any(map(_lives, orphans)))

    scene.add_newer()
    second = scene.start(*arguments)
    before = scene.finished()
    scene.wait_for_runs(min(before + wandb_runs // 5, wandb_runs - _RUNS_OF_ONE), second)
    _kill_all(second)

    last = scene.run(shards, "--processes", str(shards))
    assert last.code == 0, last.err
    assert sum(statuses(last).values()) == number
    assert set(statuses(last)) <= {"synced", "unchanged"}
    assert {shard["state"] for shard in last.document["shards"]} == {"done"}
    assert differences(scene.state(), expected) == []
    assert len(scene.state()["runs"]) == wandb_runs
    assert server.surprises == []
    assert not any((tmp_path / "state" / "backfills").iterdir())
    again = scene.own.mfwb("sync", FLOW, "--all", "--json", *scene.location)
    assert statuses(again) == {"unchanged": number, "synced": 1}


@pytest.mark.timeout(1500)
def test_a_flow_is_resumed(tmp_path: Path, server: WandbServer) -> None:
    """It is killed with its tasks; `resume` does the rest, and the key is nowhere."""
    scene = Backfills.make(tmp_path, 1, server)
    _kill_and_resume(scene, shards=1)

    assert scene.finished() == _RUNS_OF_ONE
    assert _files_with(server.api_key, tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
def test_a_flow_that_is_resumed_comes_to_one_sync(tmp_path: Path, server: WandbServer) -> None:
    """As a backfill by processes does."""
    scene = Backfills.make(tmp_path, 40, server)
    expected = scene.state_after_one_sync()
    _kill_and_resume(scene, shards=4)

    assert differences(scene.state(), expected) == []


@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
def test_the_account_of_a_flow_is_that_of_processes(tmp_path: Path, server: WandbServer) -> None:
    """`--on metaflow` ends as without, and the user's ledger has all of it."""
    scene = Backfills.make(tmp_path, 6, server)
    expected = scene.state_after_one_sync()
    done = scene.run(2, "--on", "metaflow", "--processes", "2")

    assert done.code == 0, done.err
    assert statuses(done) == {"synced": 6}
    assert [shard["name"] for shard in done.document["shards"]] == ["first", "1", "2", "last"]
    assert {shard["state"] for shard in done.document["shards"]} == {"done"}
    assert differences(scene.state(), expected) == []
    again = scene.own.mfwb("sync", FLOW, "--all", "--json", *scene.location)
    assert statuses(again) == {"unchanged": 6}


def _kill_and_resume(scene: Backfills, *, shards: int) -> None:
    """Run the flow, kill it when some flow runs are synced, and resume it to its end."""
    as_flow = ("--on", "metaflow", "--processes", "2")
    first = scene.start(*scene.arguments(shards), *as_flow)
    scene.wait_for_runs(max(1, len(scene.flow_runs) // 2), first)
    _kill_all(first)

    resume = ("resume", "--max-workers", "2", "--run-id-file", "r.txt")
    done = scene.own.script(_FLOW_FILE, *resume, PYTHONPATH=str(_REPOSITORY))
    assert done.code == 0, done.out[-3000:]
    assert scene.server.surprises == []
    run = f"MfwbBackfillFlow/{(scene.root / 'r.txt').read_text(encoding='utf-8')}"
    assert (scene.root / ".metaflow" / run / "end").is_dir()


def _kill_all(process: Process) -> None:
    """Kill a process and all that it has started, at once."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.close()


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _files_with(key: str, root: Path) -> list[str]:
    """Return the files that hold a key, as it is or packed."""
    files = (path for path in root.rglob("*") if path.is_file())
    return [str(path) for path in files if _holds(path, key.encode())]


def _holds(path: Path, key: bytes) -> bool:
    """Return whether a gzipped file holds a key; artifacts and code packages are such files."""
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        return key in data
    with suppress(OSError, EOFError, zlib.error):
        return key in gzip.decompress(data)
    return False
