"""Backfills that are killed: nothing twice, nothing lost, and W&B as after one sync."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.backfills import FLOW, Backfills, statuses, wait_until, workers_of
from tests.faults.scene import differences
from tests.support.wandb_server import WandbServer

_RUNS_OF_ONE = 2  # W&B runs of each flow run
_FLOW_FILE = Path(__file__).parents[2] / "mfwb" / "flows" / "backfill_flow.py"


@pytest.fixture
def server() -> Iterator[WandbServer]:
    """Return a stand-in for W&B."""
    with WandbServer() as started:
        yield started


@pytest.mark.timeout(6000)
@pytest.mark.parametrize(
    ("number", "shards"), [(14, 2), pytest.param(400, 4, marks=pytest.mark.exhaustive)]
)
def test_a_backfill_survives_kills(
    tmp_path: Path, server: WandbServer, number: int, shards: int
) -> None:
    """One worker is killed, then the backfill alone, then all of it; the last call is whole.

    A flow run that appears meanwhile is not part of it.
    """
    scene = Backfills.make(tmp_path, number, server)
    expected = scene.state_after_one_sync()
    arguments = ("-m", "mfwb", *scene.arguments(shards), "--processes", str(shards))
    wandb_runs = number * _RUNS_OF_ONE

    first = scene.start(*arguments)
    scene.wait_for_runs(wandb_runs // 5, first)
    workers_of(first)[0].kill()
    scene.wait_for_runs(wandb_runs // 3, first)
    orphans = workers_of(first)
    first.kill()
    first.communicate()
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
def test_a_killed_worker_is_started_again(tmp_path: Path, server: WandbServer) -> None:
    """The others do not notice; it is reported, and nothing has failed."""
    scene = Backfills.make(tmp_path, 10, server)
    process = scene.start("-m", "mfwb", *scene.arguments(2), "--processes", "2", "--quiet")
    wait_until(lambda: len(workers_of(process)) > 0, process)
    workers_of(process)[0].kill()
    out, _ = process.communicate(timeout=1000)

    assert process.returncode == 0, out[-3000:]
    assert "was killed by SIGKILL; it was started again" in out
    assert scene.finished() == 10 * _RUNS_OF_ONE


@pytest.mark.timeout(1500)
def test_ctrl_c_ends_all_processes(tmp_path: Path, server: WandbServer) -> None:
    """The exit code is that of every command, and the next call carries on."""
    scene = Backfills.make(tmp_path, 8, server)
    process = scene.start("-m", "mfwb", *scene.arguments(2), "--processes", "2")
    scene.wait_for_runs(1, process)
    workers = workers_of(process)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 130, out
    assert "mfwb: interrupted; run it again to carry on" in out
    wait_until(lambda: not any(map(_lives, workers)))
    assert any((tmp_path / "state" / "backfills").iterdir())
    done = scene.run(2)
    assert done.code == 0, done.err
    assert scene.finished() == 8 * _RUNS_OF_ONE
    assert not any((tmp_path / "state" / "backfills").iterdir())


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("number", "shards"), [(6, 2), pytest.param(40, 4, marks=pytest.mark.exhaustive)]
)
def test_a_flow_is_resumed(tmp_path: Path, server: WandbServer, number: int, shards: int) -> None:
    """It is killed with its tasks; `resume` does the rest, and the key is nowhere."""
    scene = Backfills.make(tmp_path, number, server)
    expected = scene.state_after_one_sync()
    options = (
        '{"pathspecs": ["NumberedFlow"], "every": true, "entity": "acme", "project": "p", '
        f'"metadata": "local@{tmp_path}"}}'
    )
    given = ("--shards", str(shards), "--max-workers", "2", "--options", options)
    first = scene.start(str(_FLOW_FILE), "run", *given)
    scene.wait_for_runs(number // 2, first)
    _kill_all(first)

    resume = (sys.executable, str(_FLOW_FILE), "resume", "--max-workers", "2")
    done = scene.own.run(*resume, "--run-id-file", "r.txt")
    assert done.code == 0, done.out[-3000:]
    assert differences(scene.state(), expected) == []
    assert server.surprises == []
    run = f"MfwbBackfillFlow/{(tmp_path / 'r.txt').read_text(encoding='utf-8')}"
    assert (tmp_path / ".metaflow" / run / "end").is_dir()
    assert _files_with(server.api_key, tmp_path) == []


def _kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started, at once."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.communicate()


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
