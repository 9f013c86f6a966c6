"""Signs of life: what real commands write on stderr while they work, byte by byte."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.copies import copy_flow_run
from tests.support.metadata_service import MetadataService
from tests.support.sandbox import Sandbox
from tests.support.terminal import OnTerminal, screen
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.journal import Incoming
from tests.support.warm import Constraints, Process

FORCED = {
    "FORCE_COLOR": "1",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "1",
    "CLICOLOR_FORCE": "1",
    "TERM": "xterm-256color",
    "COLUMNS": "80",
}
_TOLD = r"mfwb: {} synced: 2 W&B runs, \d+ seconds?\n"


@pytest.fixture(scope="module")
def served() -> Iterator[WandbServer]:
    """Return a W&B stand-in of these tests alone, in which requests are held."""
    with WandbServer() as server:
        yield server


@pytest.fixture
def caller(tmp_path: Path, served: WandbServer, project: str) -> Iterator[Sandbox]:
    """Return a place for programs that ask it."""
    variables = {
        "WANDB_BASE_URL": served.base_url,
        "WANDB_API_KEY": served.api_key,
        "WANDB_PROJECT": project,
    }
    yield Sandbox(tmp_path, variables)
    served.clear_faults()


def _is_large_upload(incoming: Incoming) -> bool:
    return incoming.method == "PUT" and incoming.path.startswith("/upload/artifact")


def _held_upload(server: WandbServer) -> Fault:
    """Hold the first file of an artifact: wandb-core sends what the connection takes, and waits."""
    return server.hold(_is_large_upload)


def test_on_a_terminal(
    caller: Sandbox, served: WandbServer, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """One flow run with a large upload: total first, then names, bytes, and nothing is left.

    Names are those of what is written. The terminal becomes narrower and wider meanwhile.
    """
    pathspec = flow_run("heavy_flow")
    first = served.hold(lambda _: True)
    upload = _held_upload(served)
    with closing(MetadataService(flows_root)) as service:
        reading = service.hold(r"/tasks/\w+/artifacts$|/runs/\w+/metadata$")
        source = ("--metadata", f"service@{service.url}", *_roots(flows_root))
        with OnTerminal(caller, "sync", pathspec, *source, NO_COLOR="1") as terminal:
            terminal.wait_for(r"connecting to W&B  \d:\d\d")
            first.release()
            terminal.wait_for(rf"reading {pathspec}  \d")
            reading.set()
            terminal.wait_for(rf"{pathspec}/start  [^\r]*0/2 W&B runs")
            sent = terminal.wait_for(r"([\d.]+) MB of 16.0 MB sent")
            assert 0 <= float(sent[1]) < 16
            terminal.resize(40)
            terminal.wait_for(r"…[^\r]*0/2 W&B runs")
            terminal.resize(120)
            terminal.wait_for(r"0/2 W&B runs  [\d.]+ MB of 16.0 MB sent  \d:\d\d\r")
            upload.release()
            code = terminal.end()
            text = terminal.text

    assert code == 0
    assert "\x1b[?" not in text, "the cursor is never hidden, nothing is switched"
    moving, _, result = text.rpartition("\r\x1b[J")
    assert screen(result)[0].startswith(pathspec), "the result follows when the line is gone"
    assert re.search(r"\x1b\[[\d;]*m", moving) is None
    assert "synced" not in moving, "the result says so"
    first_bar = re.search(r"[━─]{20}  (\d+)/(\d+)", moving)
    assert first_bar is not None
    assert first_bar.groups() == ("0", "2")
    counts = [int(found) for found in re.findall(r"(\d)/2 W&B runs", moving)]
    assert counts == sorted(counts)
    shown = screen(text)
    assert shown[0].startswith(pathspec)
    assert not any("sent" in line or "connecting" in line for line in shown)


@pytest.mark.parametrize(
    ("sent", "code", "line"),
    [
        (signal.SIGINT, 130, "mfwb: interrupted; run it again to carry on"),
        (signal.SIGTERM, 143, "mfwb: terminated; run it again to carry on"),
        (
            signal.SIGHUP,
            129,
            "mfwb: its terminal or session was closed; run it again to carry on",
        ),
    ],
)
def test_ended_on_a_terminal(  # noqa: PLR0913, PLR0917 - fixtures
    sent: signal.Signals,
    code: int,
    line: str,
    caller: Sandbox,
    served: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """The line that moved is gone, even if the process had to be ended while W&B was silent."""
    pathspec = flow_run("two_flow")
    silence = served.hold("UpsertBucket", times=None)
    with OnTerminal(caller, "sync", pathspec, "--metadata", metadata_of(flows_root)) as terminal:
        silence.wait()
        terminal.wait_for(r"0/2 W&B runs")
        os.kill(terminal.process.pid, sent)
        ended = terminal.end()
        text = terminal.text

    assert ended == code
    assert "\x1b[?" not in text
    assert [shown for shown in screen(text) if shown] == [line]


def test_in_a_pipe(
    caller: Sandbox,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """A line for each flow run that was written, and no control character; then silence."""
    origin = flow_run("two_flow")
    root = caller.root / "copies"
    for name in ("_meta", "data", origin.partition("/")[2]):
        shutil.copytree(flows_root / ".metaflow/TwoFlow" / name, root / ".metaflow/TwoFlow" / name)
    started = int(origin.partition("/")[2]) // 1_000
    earlier = (started - hours * 3_600_000 for hours in (1, 2))
    copies = [origin, *(copy_flow_run(root, origin, started_at_ms=then) for then in earlier)]
    arguments = ("TwoFlow", "--all", "--metadata", metadata_of(root))
    planned = caller.mfwb("plan", *arguments, **FORCED)
    synced = caller.mfwb("sync", *arguments, "--json", **FORCED)
    again = caller.mfwb("sync", *arguments, **FORCED)
    quiet = caller.mfwb("sync", *arguments, "--quiet", "--force", **FORCED)
    verified = caller.mfwb("verify", *arguments, **FORCED)

    for done, line in (
        (planned, r"mfwb: {} planned: 2 W&B runs, \d+ seconds?\n"),
        (synced, _TOLD),
        (verified, r"mfwb: {} same: \d+ items, \d+ seconds?\n"),
    ):
        assert done.code == 0, done.err
        lines = done.err.splitlines(keepends=True)
        assert len(lines) == len(copies)
        for pathspec in copies:
            assert sum(bool(re.fullmatch(line.format(pathspec), item)) for item in lines) == 1
    assert (again.code, again.err) == (0, "")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


_IMPATIENT = """
import sys
from mfwb.report.progress import choice
choice.SILENCE = 0.2
from mfwb.cli import main
main()
"""


def test_one_that_takes_long_in_a_pipe(
    caller: Sandbox, served: WandbServer, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """While W&B is silent, a line says now and then what is awaited: bytes of a push, too."""
    pathspec = flow_run("heavy_flow")
    offline = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")
    bundled = caller.mfwb("sync", pathspec, "--metadata", metadata_of(flows_root), *offline)
    assert bundled.code == 0, bundled.err
    upload = _held_upload(served)
    log = caller.root / "err"
    log.touch()
    process = Process(
        ("push", "bundle"),
        program=_IMPATIENT,
        folder=caller.root,
        environment={**caller.environment, **FORCED},
        constraints=Constraints(streams={"2": str(log)}),
    )
    try:
        upload.wait(120)
        _until(lambda: b" MB sent" in log.read_bytes())
        upload.release()
        process.communicate(120)
        assert process.returncode == 0
    finally:
        process.kill()
    lines = log.read_text(encoding="utf-8").splitlines()

    assert any(
        re.fullmatch(
            rf"mfwb: {pathspec}/start, 0/2 W&B runs, [\d.]+ MB of 16.0 MB sent, \d+ seconds?", line
        )
        for line in lines
    ), lines
    assert re.fullmatch(rf"mfwb: {pathspec} synced: .*", lines[-1])
    assert "\x1b" not in "".join(lines)
    assert "\r" not in "".join(lines)


def test_failures_are_told_once(
    caller: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """In a pipe when it happens; with --quiet in the end."""
    pathspec = flow_run("two_flow")
    arguments = ("sync", "TwoFlow/1", pathspec, "--metadata", metadata_of(flows_root), "--json")
    for more in ((), ("--quiet",)):
        done = caller.mfwb(*arguments, *more)
        failures = [line for line in done.err.splitlines() if "failed" in line]
        assert done.code == 1
        assert len(failures) == 1
        assert failures[0].startswith("mfwb: TwoFlow/1 failed: ")


def test_metaflows_service_is_slow_to_come(
    caller: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """Each failed try is counted."""
    pathspec = flow_run("two_flow")
    with closing(MetadataService(flows_root)) as service:
        service.fail("TwoFlow", status=503, times=2)
        arguments = ("plan", pathspec, "--metadata", f"service@{service.url}", *_roots(flows_root))
        with OnTerminal(caller, *arguments) as terminal:
            terminal.wait_for(r"connecting to Metaflow's service, retry 2  \d")
            code = terminal.end()
            text = terminal.text

    assert code == 0, text
    assert screen(text)[0].startswith(pathspec)


def _roots(flows_root: Path) -> tuple[str, str]:
    """Return the option that lets a service's flow runs be read from a folder."""
    return "--datastore-root", str(flows_root / ".metaflow")


def _until(has_come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not has_come():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.02)
