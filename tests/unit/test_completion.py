"""What shells complete: by the names of folders and the ledger, in a real shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mfwb.completion import complete_destinations, complete_pathspecs
from mfwb.ledger import SqliteLedger, ledger_path
from mfwb.ports import Destination, Entry, SyncState

RUNS = ("1700000000000001", "1700000000000002", "999")


@pytest.fixture
def metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with local metadata of two flows, and be in it; a ledger knows a third."""
    for flow in ("TrainFlow", "TestFlow", "bad name"):
        for path in ("_meta", *(f"{run}/train/7/_meta" for run in RUNS), "data", "*/_meta"):
            (tmp_path / ".metaflow" / flow / path).mkdir(parents=True)
        (tmp_path / ".metaflow" / flow / RUNS[0] / "_parameters").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("METAFLOW_DATASTORE_SYSROOT_LOCAL", raising=False)
    monkeypatch.delenv("MFWB_METADATA", raising=False)
    with SqliteLedger.open(ledger_path(None)) as ledger:
        for project in ("wines", "wine cellar", "beers"):
            destination = Destination("online", "https://w.example.com", "acme", project)
            ledger.write(Entry("RemoteFlow/5", "service@x", destination, SyncState.SYNCED))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("T", ["TestFlow", "TrainFlow"]),
        ("R", ["RemoteFlow", "RemoteFlow/latest", "RemoteFlow/5"]),
        ("TrainFlow/", [f"TrainFlow/{run}" for run in ("latest", *RUNS[1::-1], RUNS[2])]),
        ("TrainFlow/17", [f"TrainFlow/{run}" for run in RUNS[1::-1]]),
        ("TrainFlow/999/", ["TrainFlow/999/train"]),
        ("TrainFlow/999/train/", ["TrainFlow/999/train/7"]),
        ("TrainFlow/../", []),
        ("/etc/", []),
        ("NoFlow/", ["NoFlow/latest"]),
    ],
)
@pytest.mark.usefixtures("metadata")
def test_pathspecs(typed: str, completed: list[str]) -> None:
    """Flows, then the newest runs of one, then its steps and tasks; nothing that globs."""
    assert complete_pathspecs(typed, levels=3) == completed


@pytest.mark.usefixtures("metadata")
def test_only_as_deep_as_the_command_takes() -> None:
    """A command for flow runs gets no steps, one without `latest` does not get that."""
    assert complete_pathspecs("TrainFlow/999/", levels=1) == []
    assert "TrainFlow/latest" not in complete_pathspecs("TrainFlow/", latest=False)


def test_another_provider(metadata: Path, tmp_path: Path) -> None:
    """What --metadata names is looked at; a service can't be asked, so the ledger has to do."""
    elsewhere = tmp_path / "elsewhere"
    shutil.move(metadata / ".metaflow", elsewhere / ".metaflow")

    assert complete_pathspecs("T") == []
    assert complete_pathspecs("T", metadata=f"local@{elsewhere}") == ["TestFlow", "TrainFlow"]
    assert complete_pathspecs("", metadata="service@https://x") == [
        "RemoteFlow",
        "RemoteFlow/latest",
        "RemoteFlow/5",
    ]


@pytest.mark.usefixtures("metadata")
def test_destinations() -> None:
    """Entities and projects that something was synced to; a shell would split other names."""
    assert complete_destinations("project", "w") == ["wines"]
    assert complete_destinations("entity", "") == ["acme"]
    assert complete_destinations("flow_run; DROP TABLE", "") == []


def test_a_damaged_ledger_completes_nothing(metadata: Path) -> None:
    """A shell does not want to hear of it."""
    (metadata / "state" / "ledger.sqlite").write_bytes(b"garbage" * 1000)

    assert complete_destinations("project", "") == []
    assert complete_pathspecs("T") == ["TestFlow", "TrainFlow"]


_ASK = """
set -e
source "$1"
COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mfwb_completion mfwb
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when the key for completion is pressed."""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["sy"], ["sync"]),
        (["sync", "TrainFlow/17"], [f"TrainFlow/{run}" for run in RUNS[1::-1]]),
        (["open", "TrainFlow/999/t"], ["TrainFlow/999/train"]),
        (["sync", "--project", "b"], ["beers"]),
        pytest.param(
            *(["sync", "--mode", "o"], ["online", "offline"]), marks=pytest.mark.exhaustive
        ),
        (["config", "show", "--flow", "Tr"], ["TrainFlow"]),
        pytest.param(["status", "TrainFlow/9"], ["TrainFlow/999"], marks=pytest.mark.exhaustive),
        pytest.param(["config", "sh"], ["show"], marks=pytest.mark.exhaustive),
    ],
)
def test_in_bash(typed: list[str], completed: list[str], metadata: Path) -> None:
    """The script that `mfwb completion bash` prints works in bash."""
    program = metadata / "bin" / "mfwb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mfwb "$@"\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    script = subprocess.run(
        ["mfwb", "completion", "bash"], env=environ, capture_output=True, check=True
    ).stdout
    (metadata / "script").write_bytes(script)

    done = subprocess.run(
        ["bash", "-c", _ASK, "bash", "./script", "mfwb", *typed],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.splitlines(), done.stderr) == (completed, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_its_shell(shell: str, tmp_path: Path) -> None:
    """Each shell that is here reads its own script."""
    printed = subprocess.run(
        [sys.executable, "-m", "mfwb", "completion", shell], capture_output=True, check=True
    ).stdout
    assert b"_MFWB_COMPLETE" in printed
    assert b'string split ","' not in printed  # it would cut off descriptions at a comma
    if shutil.which(shell):
        (tmp_path / "script").write_bytes(printed)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


_MODULES = """
import sys, os
os.environ.update(_MFWB_COMPLETE="bash_complete", COMP_WORDS="mfwb sync T", COMP_CWORD="2")
sys.argv = ["mfwb"]
from mfwb.cli import main
try:
    main()
finally:
    import json
    print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.usefixtures("metadata")
def test_nothing_large_is_imported() -> None:
    """A shell waits for it: 0.12 s of a processor, most of which is Python and click."""
    done = subprocess.run(
        [sys.executable, "-c", _MODULES], capture_output=True, text=True, check=False
    )
    *completed, modules = done.stdout.splitlines()

    assert completed == ["plain,TestFlow", "plain,TrainFlow"]
    heavy = {"wandb", "metaflow", "pydantic", "rich", "pandas", "numpy", "mfwb.config", "asyncio"}
    assert heavy.isdisjoint(json.loads(modules))
