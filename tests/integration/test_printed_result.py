"""What commands print, on terminals of two sizes and elsewhere; and the numbers in it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.warm import Constraints, Process

_PATIENCE = 120
_LINK = re.compile(r"\x1b\]8;id=\w+;([^\x1b]*)\x1b\\")
_CODE = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?[349][0-9]m")


def on_a_terminal(sandbox: Sandbox, columns: int, *arguments: str, **environment: str) -> list[str]:
    """Return the lines that mfwb printed on a terminal, without the line of progress."""
    terminal, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {**sandbox.environment, "TERM": "xterm-256color", **environment}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        if name not in environment:
            variables.pop(name, None)
    process = _started(sandbox.root, arguments, variables, ours)
    os.close(ours)
    printed = b""
    while piece := _read(terminal):
        printed += piece
    process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0
    os.close(terminal)
    return printed.decode().replace("\r\n", "\n").removesuffix("\n").split("\n")


def _started(
    root: Path, arguments: Sequence[str], variables: Mapping[str, str], terminal: int
) -> Process | subprocess.Popen[bytes]:
    if "PYTHONUTF8" not in variables:
        quiet = Constraints(streams={"2": os.devnull})
        return Process(
            arguments, folder=root, environment=variables, constraints=quiet, terminal=terminal
        )
    return subprocess.Popen(  # Python reads such a variable when it starts
        [sys.executable, "-m", "mfwb", *arguments],
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
    )


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end is closed
        return b""


def seen(lines: list[str]) -> list[str]:
    """Return the lines as people see them."""
    return [_CODE.sub("", line) for line in lines]


def widest(lines: list[str]) -> int:
    """Return how many columns the longest line takes."""
    return max(map(cell_len, seen(lines)))


@pytest.fixture
def arguments(
    project: str, flow_run: Callable[[str], str], flows_root: Path
) -> tuple[str, Mapping[str, str]]:
    """Return the flow run to sync, and settings as variables."""
    return flow_run("fan_flow"), {
        "MFWB_METADATA": metadata_of(flows_root),
        "WANDB_PROJECT": project,
        "WANDB_ENTITY": "acme",
    }


def test_terminals_of_two_sizes(
    online: Sandbox, arguments: tuple[str, Mapping[str, str]], w_and_b: WandbServer
) -> None:
    """About ten lines on each, none wider than it; names lead to W&B."""
    pathspec, variables = arguments
    group = f"{w_and_b.base_url}/acme/{variables['WANDB_PROJECT']}/groups/"
    lines = on_a_terminal(online, 80, "sync", pathspec, **variables)
    text = seen(lines)

    assert text[0].startswith(f"{pathspec}  synced")
    assert any(
        re.fullmatch(r"  \d+ W&B runs, [0-9.]+ [KM]B uploaded in [0-9.]+ s", x) for x in text
    )
    assert len(text) <= 16
    assert widest(lines) <= 80
    links = _LINK.findall("\n".join(lines))
    assert [link for link in links if link.startswith(group)]
    assert len({link for link in links if "/runs/" in link}) >= 3

    unchanged = on_a_terminal(online, 160, "sync", pathspec, **variables)
    assert seen(unchanged)[0].startswith(f"{pathspec}  unchanged  acme/")
    assert len(unchanged) == 2
    assert seen(unchanged)[1].strip().startswith(group)

    for columns in (80, 160):
        for command in (["plan", pathspec, "--project", "x"], ["lineage", pathspec], ["status"]):
            assert widest(on_a_terminal(online, columns, *command, **variables)) <= columns


def test_terminals_that_can_less(
    sandbox: Sandbox, arguments: tuple[str, Mapping[str, str]]
) -> None:
    """No escape for a dumb one, no colour if nobody wants any, no letter that can't be shown."""
    pathspec, variables = arguments
    dumb = on_a_terminal(sandbox, 80, "lineage", pathspec, **variables, TERM="dumb")
    plain = on_a_terminal(sandbox, 80, "plan", pathspec, **variables, NO_COLOR="1")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    narrow = on_a_terminal(sandbox, 40, "lineage", pathspec, **variables, **locale)

    assert "\x1b" not in "\n".join(dumb)
    assert any("─" in line for line in dumb)
    assert not _COLOUR.findall("\n".join(plain))
    assert any("planned" in line for line in plain)
    assert all(line.isascii() for line in narrow)
    assert any("|-- " in line or "+-- " in line for line in narrow)
    assert max(map(widest, ([line] for line in narrow))) <= 40


def test_elsewhere_nothing_is_wrapped(
    sandbox: Sandbox, arguments: tuple[str, Mapping[str, str]]
) -> None:
    """Each step is on one line with all names, whatever COLUMNS says, and without escapes."""
    pathspec, variables = arguments
    done = sandbox.mfwb("plan", pathspec, **variables, COLUMNS="20", FORCE_COLOR="")
    document = sandbox.mfwb("plan", pathspec, "--json", **variables).document
    lines = done.out.splitlines()

    assert "\x1b" not in done.out
    assert "\N{HORIZONTAL ELLIPSIS}" not in done.out
    for run in document["flow_runs"][0]["wandb_runs"]:
        step = run["name"].removeprefix(f"{pathspec}/")
        [line] = [line for line in lines if line.split()[:1] == [step]]
        names = [artifact["name"] for artifact in (*run["inputs"], *run["outputs"])]
        assert all(name in line for name in names)


# --- numbers --------------------------------------------------------------------------------


def _numbers(done: Finished) -> tuple[int, float | None, Any]:
    assert done.code == 0, done.err
    totals = done.document["totals"]
    return totals["bytes_written"], totals["seconds"], done.document["flow_runs"][0]


def test_bytes_that_were_uploaded(
    online: Sandbox, arguments: tuple[str, Mapping[str, str]], w_and_b: WandbServer
) -> None:
    """The server received exactly these; when nothing is to be done, none are counted again."""
    pathspec, variables = arguments
    before = w_and_b.uploaded_bytes
    size, seconds, flow_run = _numbers(online.mfwb("sync", pathspec, "--json", **variables))

    assert size == w_and_b.uploaded_bytes - before > 0
    assert (
        size
        == flow_run["bytes_written"]
        == sum(run["bytes_written"] for run in flow_run["wandb_runs"])
    )
    assert seconds is not None
    assert 0 < flow_run["seconds"] <= seconds
    quoted = pathspec.replace("/", "%2F")
    address = f"{w_and_b.base_url}/acme/{variables['WANDB_PROJECT']}/groups/{quoted}/workspace"
    assert flow_run["url"] == address

    size, seconds, flow_run = _numbers(online.mfwb("sync", pathspec, "--json", **variables))
    assert (size, flow_run["status"], flow_run["seconds"]) == (0, "unchanged", None)
    assert flow_run["url"] == address
    assert {run["bytes_written"] for run in flow_run["wandb_runs"]} == {0}


def test_bytes_that_were_written_and_pushed(
    online: Sandbox, arguments: tuple[str, Mapping[str, str]], w_and_b: WandbServer
) -> None:
    """Offline, they are those of the files in the bundle; pushed, nearly those that arrive."""
    pathspec, variables = arguments
    bundle = online.root / "bundle"
    command = ["sync", pathspec, "--json", "--mode", "offline", "--dir", str(bundle)]
    size, _, flow_run = _numbers(online.mfwb(*command, **variables))

    assert size == _size_of(bundle / "payloads", *bundle.glob("level-*"))
    assert flow_run["url"] is None

    again, _, _ = _numbers(online.mfwb(*command, "--force", **variables))
    assert again == _size_of(*bundle.glob("level-*"))

    before = w_and_b.uploaded_bytes
    sent, seconds, flow_run = _numbers(online.mfwb("push", str(bundle), "--json", **variables))
    arrived = w_and_b.uploaded_bytes - before
    own = 8_000 * len(flow_run["wandb_runs"])  # what wandb-core sends of each, such as manifests
    assert 0 <= arrived - sent <= own
    assert seconds
    assert json.dumps(flow_run["url"]).count("/groups/") == 1


def _size_of(*folders: Path) -> int:
    """Return the bytes of files on the disk: several links to one count once."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    # Rows of a preview are kept for the next sync, and are no file of a W&B run.
    sizes = {
        path.stat().st_ino: path.stat().st_size
        for path in files
        if not path.name.endswith(".rows.json")
    }
    return sum(sizes.values())
