"""`mfwb watch`: it syncs again and again, and ends when it is told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.sandbox import Finished, Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a machine without any flow run, whose W&B is a bundle."""
    return Sandbox(
        tmp_path,
        {"MFWB_MODE": "offline", "MFWB_DIR": str(tmp_path / "bundle"), "MFWB_ENTITY": "acme"},
    )


@pytest.fixture
def add_flow_run(
    sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> Callable[[str], str]:
    """Return a function that brings a flow run to the machine, and says its pathspec."""

    def add(name: str) -> str:
        flow, _, run_id = flow_run(name).partition("/")
        existing, here = flows_root / ".metaflow" / flow, sandbox.root / ".metaflow" / flow
        for part in ("_meta", run_id, "data"):
            shutil.copytree(existing / part, here / part)
        return f"{flow}/{run_id}"

    return add


@contextmanager
def started(
    sandbox: Sandbox, *arguments: str, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Yield a watch; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mfwb", "watch", *arguments],
        cwd=sandbox.root,
        env={**sandbox.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()


def ended(process: subprocess.Popen[str]) -> Finished:
    """Wait for the end of a watch."""
    out, err = process.communicate(timeout=60)
    return Finished(process.returncode, out, err)


def test_rounds(sandbox: Sandbox, add_flow_run: Callable[[str], str]) -> None:
    """Each round prints one line, sees what is new, and survives a failure of the one before it.

    A sync that is killed, as if the machine had no memory left, is a failed round.
    """
    add_flow_run("linear_flow")
    settings = sandbox.root / "mfwb.toml"
    with started(sandbox, "--every", "1s", "--rounds", "4") as watch:
        assert watch.stdout is not None
        for child in _wait_for_children(watch.pid):
            os.kill(child.pid, signal.SIGKILL)
        killed = watch.stdout.readline()
        first = watch.stdout.readline()
        settings.write_text("granularity = 'steps'\n", encoding="utf-8")
        second = watch.stdout.readline()
        settings.unlink()
        add_flow_run("two_flow")
        done = ended(watch)

    assert " no sync (exit code 137) in " in killed
    assert " 1 synced in " in first
    assert "; next in 1" in first
    assert " no sync (exit code 2) in " in second
    assert " 1 synced, 1 unchanged in " in done.out
    assert (done.code, len(done.out.splitlines()), "next" in done.out) == (0, 1, False)
    assert done.err.count("granularity") == 1


def test_json_is_a_document_of_sync_for_each_round(
    sandbox: Sandbox, add_flow_run: Callable[[str], str]
) -> None:
    """One document on each line; options are passed on to sync, in whatever form they are given.

    It ends with its reader, as in `mfwb watch | head -2`: nobody would see what comes then.
    """
    pathspec = add_flow_run("two_flow")
    arguments = ("--json", "--no-code", "-e", "team", "--project=wines", "--every", "1")
    with started(sandbox, *arguments, "--rounds=1000", pathspec) as watch:
        assert watch.stdout is not None
        documents = [json.loads(watch.stdout.readline()) for _ in range(2)]
        watch.stdout.close()
        assert ended(watch).code == 0
    [synced], [unchanged] = (document["flow_runs"] for document in documents)

    assert (synced["pathspec"], synced["status"]) == (pathspec, "synced")
    assert (synced["entity"], synced["project"]) == ("team", "wines")
    assert not any(o["type"] == "code" for run in synced["wandb_runs"] for o in run["outputs"])
    assert (unchanged["pathspec"], unchanged["status"]) == (pathspec, "unchanged")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--every", "soon"), "Invalid value for '--every': durations are written like 90s"),
        (("--every", "0s"), "Invalid value for '--every': from 1s to 365d"),
        (("--every", "366d"), "Invalid value for '--every': from 1s to 365d"),
        (("--granularity", "steps"), "Invalid value for '--granularity'"),
        (("--since", "tomorrow"), "'tomorrow'"),
    ],
)
def test_wrong_usage_ends_it_at_once(
    sandbox: Sandbox, arguments: tuple[str, ...], message: str
) -> None:
    """Whether the watch or the first sync finds it."""
    done = sandbox.mfwb("watch", *arguments)

    assert done.code == 2
    assert message in done.err
    assert (len(done.err.splitlines()), done.out) == (1, "")


def test_a_signal_in_a_pause(sandbox: Sandbox, add_flow_run: Callable[[str], str]) -> None:
    """It ends at once, and systemd hears of it."""
    add_flow_run("two_flow")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address := str(sandbox.root / "notify"))
        manager.settimeout(30)
        with started(sandbox, "--every", "1h", NOTIFY_SOCKET=address) as watch:
            heard = [manager.recv(1000).decode() for _ in range(3)]
            watch.send_signal(signal.SIGINT)
            done = ended(watch)
            heard.append(manager.recv(1000).decode())

    assert done.code == 130
    assert done.err.splitlines()[-1] == "mfwb: interrupted; run it again to carry on"
    assert heard[:2] == ["READY=1", "STATUS=syncing"]
    assert heard[2].startswith("STATUS=1 synced in ")
    assert heard[3] == "STOPPING=1"


def test_a_signal_in_a_round_ends_that_too(
    sandbox: Sandbox, add_flow_run: Callable[[str], str]
) -> None:
    """No process is left, one line says why, and the next one completes it, and says nothing."""
    add_flow_run("two_flow")
    with started(sandbox, "--quiet") as watch:
        children = _wait_for_children(watch.pid)
        watch.terminate()
        done = ended(watch)
        _, alive = psutil.wait_procs(children, timeout=10)

    assert (done.code, done.out, alive) == (143, "", [])
    assert done.err == "mfwb: terminated; run it again to carry on\n"
    with started(sandbox, "--quiet", "--rounds", "1") as watch:
        assert ended(watch) == Finished(0, "", "")
    assert len(list((sandbox.root / "bundle").rglob("run-*.wandb"))) == 2


def _wait_for_children(pid: int) -> list[psutil.Process]:
    end = time.monotonic() + 30
    while not (children := psutil.Process(pid).children()):
        assert time.monotonic() < end, "no sync was started"
        time.sleep(0.02)
    return children
