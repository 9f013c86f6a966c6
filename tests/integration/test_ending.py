"""A sync that is ended early leaves nothing behind, and the next one carries on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox, end
from tests.support.wandb_server import WandbServer

_PATIENCE = 120  # seconds
_MAX_IDLE = 2.5  # seconds, on a machine that has a lot to do
_INTERRUPTED = "mfwb: interrupted; run it again to carry on"
_HUNG_UP = "mfwb: its terminal or session was closed; run it again to carry on"
_TERMINATED = "mfwb: terminated; run it again to carry on"


@pytest.mark.parametrize(
    ("sent", "code", "line", "mode"),
    [
        (signal.SIGINT, 130, _INTERRUPTED, "online"),
        pytest.param(signal.SIGINT, 130, _INTERRUPTED, "offline", marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGTERM, 143, _TERMINATED, "online", marks=pytest.mark.exhaustive),
        (signal.SIGTERM, 143, _TERMINATED, "offline"),
        pytest.param(signal.SIGHUP, 129, _HUNG_UP, "online", marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGHUP, 129, _HUNG_UP, "offline", marks=pytest.mark.exhaustive),
    ],
)
def test_ended_while_it_converts(  # noqa: PLR0913, PLR0917 - fixtures
    mode: str,
    sent: signal.Signals,
    code: int,
    line: str,
    online: Sandbox,
    project: str,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """One line, its exit code, no file, no process; what is missing then, the next sync writes."""
    pathspec = flow_run("waiting_flow")
    marker, temporary = online.root / "waits", online.root / "tmp"
    temporary.mkdir()
    arguments = ["sync", pathspec, "--unpickle", "trusted", "--json", "--project", project]
    arguments += ["--metadata", metadata_of(flows_root), "--mode", mode]
    if mode == "offline":
        arguments += ["--dir", str(online.root / "bundle"), "--entity", "acme"]

    with subprocess.Popen(
        [sys.executable, "-m", "mfwb", *arguments],
        cwd=online.root,
        env={**online.environment, "WAITING": str(marker), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            converter = _pid_in(marker)
            children = psutil.Process(process.pid).children(recursive=True)
            assert converter in {child.pid for child in children}
            process.send_signal(sent)
            out, reported = process.communicate(timeout=_PATIENCE)
        finally:
            process.kill()

    assert (process.returncode, out) == (code, "")
    assert [item for item in reported.splitlines() if item.startswith("mfwb: ")] == [line]
    assert "Traceback" not in reported
    assert psutil.wait_procs(children, timeout=_PATIENCE)[1] == []
    assert list(temporary.rglob("mfwb*")) == []
    assert list((online.root / "bundle").rglob("unfinished")) == []

    after = online.mfwb(*arguments)

    assert after.code == 0, after.err
    [flow_run_after] = after.document["flow_runs"]
    assert flow_run_after["status"] == "synced"
    files = {
        file
        for run in flow_run_after["wandb_runs"]
        for output in run["outputs"]
        for file in output["files"]
    }
    assert files == {"quick.parquet", "slow.parquet"}


@pytest.mark.parametrize(
    ("held", "sent", "code", "line"),
    [
        ("UpsertBucket", [signal.SIGINT, signal.SIGINT], 130, _INTERRUPTED),
        pytest.param(
            "file_stream", [signal.SIGTERM], 143, _TERMINATED, marks=pytest.mark.exhaustive
        ),
        pytest.param("Viewer", [signal.SIGTERM], 143, _TERMINATED, marks=pytest.mark.exhaustive),
        pytest.param(
            "CommitArtifact", [signal.SIGHUP], 129, _HUNG_UP, marks=pytest.mark.exhaustive
        ),
    ],
)
def test_ended_while_w_and_b_is_silent(  # noqa: PLR0913, PLR0917 - fixtures
    tmp_path: Path,
    held: str,
    sent: list[signal.Signals],
    code: int,
    line: str,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """It ends at once, with W&B runs begun; the next sync, when W&B answers, completes them."""
    pathspec = flow_run("linear_flow")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    arguments = ["sync", pathspec, "--json", "--metadata", metadata_of(flows_root)]
    with WandbServer() as server:
        location = Sandbox(tmp_path, {**_here(server), "TMPDIR": str(temporary)})
        silence = server.hold(held, times=None)
        process = location.start_mfwb(*arguments)
        silence.wait(_PATIENCE)
        children = psutil.Process(process.pid).children(recursive=True)
        begun = time.monotonic()
        for item in sent:
            os.kill(process.pid, item)
            time.sleep(0.05)
        done = end(process, within=_PATIENCE)
        took = time.monotonic() - begun
        server.clear_faults()
        after = location.mfwb(*arguments)

    assert (done.code, done.out) == (code, "")
    assert [entry for entry in done.err.splitlines() if entry.startswith("mfwb: ")] == [line]
    assert took < _MAX_IDLE
    assert psutil.wait_procs(children, timeout=_PATIENCE)[1] == []
    assert list(temporary.rglob("mfwb*")) == []
    assert after.code == 0, after.err
    assert after.document["flow_runs"][0]["status"] == "synced"


def test_its_terminal_is_closed(
    online: Sandbox, project: str, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """As who closes a window does: no file, no process, and no bug."""
    pathspec = flow_run("waiting_flow")
    marker, temporary = online.root / "waits", online.root / "tmp"
    temporary.mkdir()
    arguments = ["sync", pathspec, "--unpickle", "trusted", "--project", project]
    terminal, ours = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _AT_A_TERMINAL, *arguments, "--metadata", metadata_of(flows_root)],
        cwd=online.root,
        env={**online.environment, "WAITING": str(marker), "TMPDIR": str(temporary)},
        stdin=ours,
        stdout=ours,
        stderr=ours,
        start_new_session=True,
    ) as process:
        try:
            os.close(ours)
            _pid_in(marker)
            children = psutil.Process(process.pid).children(recursive=True)
            os.close(terminal)
            process.wait(_PATIENCE)
        finally:
            process.kill()

    assert process.returncode == 129
    assert psutil.wait_procs(children, timeout=_PATIENCE)[1] == []
    assert list(temporary.rglob("mfwb*")) == []
    assert list((online.root / "state").glob("bug*")) == []


_AT_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from mfwb.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.exhaustive
def test_with_nohup(
    online: Sandbox, project: str, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """Who has SIGHUP ignored goes on; so does a process that we start."""
    pathspec = flow_run("waiting_flow")
    marker = online.root / "waits"
    arguments = ["sync", pathspec, "--unpickle", "trusted", "--project", project]
    with subprocess.Popen(
        ["nohup", sys.executable, "-m", "mfwb", *arguments, "--metadata", metadata_of(flows_root)],
        cwd=online.root,
        env={**online.environment, "WAITING": str(marker)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _pid_in(marker)
            process.send_signal(signal.SIGHUP)
            time.sleep(1)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE)
        finally:
            process.kill()

    assert process.returncode == 143


def _here(server: WandbServer) -> dict[str, str]:
    return {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}


def _until(has_come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not has_come():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.02)


def _pid_in(path: Path) -> int:
    """Return the process id that a process writes into a file."""
    _until(lambda: path.exists() and bool(path.read_text(encoding="utf-8")))
    return int(path.read_text(encoding="utf-8"))
