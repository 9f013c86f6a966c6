"""Whatever is wrong around mfwb has its exit code and one line, and is never called a bug."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.sandbox import Finished, Sandbox

also = partial(pytest.param, marks=pytest.mark.exhaustive)

_FULL = "can't write to stdout: No space left on device"
_PROFILES = {
    "bad": "no json",
    "list": "[1]",
    "strange": json.dumps({"METAFLOW_DEFAULT_METADATA": "nosuch"}),
    "homeless": json.dumps({"METAFLOW_DEFAULT_METADATA": "service"}),
    "odd": json.dumps({"METAFLOW_SERVICE_RETRY_COUNT": "many"}),
}


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, flow_run: Callable[[str], str], flows_root: Path
) -> Sandbox:
    """Return a place with one flow run, profiles of Metaflow's, and no W&B."""
    flow_run("two_flow")
    root = tmp_path_factory.mktemp("place")
    profiles = root / "home" / "metaflowconfig"
    profiles.mkdir(parents=True)
    for name, text in _PROFILES.items():
        (profiles / f"config_{name}.json").write_text(text, encoding="utf-8")
    return Sandbox(
        root,
        {
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root),
            "WANDB_ENTITY": "acme",
            "WANDB_API_KEY": "0" * 40,
        },
        without=("METAFLOW_DEFAULT_METADATA",),
    )


@pytest.fixture
def bugs(place: Sandbox) -> Iterator[None]:
    """Make sure that no log of a bug is there afterwards."""
    yield
    assert list(place.root.rglob("bug-*")) == []


def shell(place: Sandbox, command: str, **variables: str) -> Finished:
    """Run a line of a shell, in which `mfwb` is mfwb."""
    script = f'mfwb() {{ "$0" -m mfwb "$@"; }}\n{command}'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        cwd=place.root,
        env={**place.environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def assert_line(done: Finished, code: int, words: str) -> None:
    """Assert an exit code, and one line that has some words; none if there are none."""
    assert done.code == code, done.err
    lines = [line for line in done.err.splitlines() if " planned: " not in line]  # of a long call
    assert len(lines) == bool(words), done.err
    assert words in done.err
    assert "bug" not in done.err


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"METAFLOW_PROFILE": "nosuch"}, 2, "Unable to locate METAFLOW_PROFILE 'nosuch'"),
        ({"METAFLOW_PROFILE": "bad"}, 2, "Metaflow can't start: Expecting value: line 1"),
        also({"METAFLOW_PROFILE": "list"}, 2, "Metaflow can't start: 'list' object"),
        ({"METAFLOW_PROFILE": "strange"}, 2, "metadata provider 'nosuch'"),
        also({"METAFLOW_PROFILE": "homeless"}, 2, "Missing Metaflow Service URL"),
        also({"METAFLOW_PROFILE": "odd"}, 2, "METAFLOW_SERVICE_RETRY_COUNT"),
        also({"METAFLOW_DEFAULT_METADATA": "nosuch"}, 2, "metadata provider 'nosuch'"),
        (
            {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": "nourl"},
            2,
            "METAFLOW_SERVICE_URL: 'nourl' is not a URL",
        ),
        ({"MFWB_PROJECT": "a/b:c#d"}, 2, "'a/b:c#d' is not a valid W&B project"),
        also({"WANDB_PROJECT": "p" * 129}, 2, "W&B's settings"),
        also({"MFWB_ENTITY": "acme/wines"}, 2, "'acme/wines' is no name of a W&B entity"),
        also({"MFWB_PROJECT": "\udcff"}, 2, r"'\udcff' is no name of a W&B project"),
        ({"MFWB_STATE_DIR": "/dev/null/state"}, 2, "can't be opened: [Errno 20] Not a directory"),
        also({"MFWB_STATE_DIR": "/proc/state"}, 2, "the ledger /proc/state/"),
    ],
)
@pytest.mark.usefixtures("bugs")
def test_variables(place: Sandbox, variables: dict[str, str], code: int, words: str) -> None:
    """Settings of Metaflow's, W&B's and ours that can't be."""
    assert_line(place.mfwb("sync", "TwoFlow/latest", **variables), code, words)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("mfwb --help >/dev/full", 1, _FULL),
        also("mfwb --version >/dev/full", 1, _FULL),
        also("mfwb sync --help >/dev/full", 1, _FULL),
        ("mfwb status >/dev/full", 1, _FULL),
        also("mfwb config >/dev/full", 1, _FULL),
        also("mfwb status --json >/dev/full", 1, _FULL),
        also("mfwb plan TwoFlow/latest >/dev/full", 1, _FULL),
        also("mfwb plan TwoFlow/latest --json >/dev/full", 1, _FULL),
        also("mfwb lineage TwoFlow/latest >/dev/full", 1, _FULL),
        also("mfwb explain TwoFlow/latest/start/number >/dev/full", 1, _FULL),
        also("mfwb --help >&-", 0, ""),
        ("mfwb status >&-", 0, ""),
        also("mfwb plan TwoFlow/latest --json >&-", 0, ""),
        ("mfwb lineage TwoFlow/latest <&- >&- 2>&-", 0, ""),
        also("mfwb plan TwoFlow/latest 2>/dev/full", 0, ""),
        also("mfwb plan 2>/dev/full", 2, ""),
        ("ulimit -f 8; mfwb sync TwoFlow/latest --mode offline --dir b", 1, "ledger"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.usefixtures("bugs")
def test_streams_and_limits(place: Sandbox, command: str, code: int, words: str) -> None:
    """What it writes to is full or closed, or it may not write or open any more."""
    assert_line(shell(place, command), code, words)


@pytest.mark.parametrize(
    "arguments",
    ["--help", also("status"), also("plan TwoFlow/latest --json"), "lineage TwoFlow/latest"],
)
@pytest.mark.usefixtures("bugs")
def test_a_reader_who_leaves(place: Sandbox, arguments: str) -> None:
    """As `head` does: that is no error."""
    done = shell(place, f"{{ mfwb {arguments}; echo $? >&2; }} | true")

    assert (done.code, done.out, done.err) == (0, "", "0\n")


_WITH_ANOTHER_CORE = """
import sys
from wandb.sdk.lib.service import service_process
core, *arguments = sys.argv[1:]
service_process.get_core_path = lambda: core
sys.argv[1:] = arguments
from mfwb.cli import main
main()
"""


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("echo its stacks >&2; exit 3", "wandb-core can't start: wandb-core exited with code 3"),
        also("exec sleep 60", "wandb-core did not answer within 5 s"),
    ],
)
@pytest.mark.usefixtures("bugs")
def test_wandb_core_does_not_start(
    place: Sandbox, tmp_path: Path, program: str, words: str
) -> None:
    """For want of memory, for example: that is said, and not waited for without end."""
    core = tmp_path / "wandb-core"
    core.write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    core.chmod(0o755)
    arguments = ("sync", "TwoFlow/latest", "--timeout", "1s")

    command = (sys.executable, "-c", _WITH_ANOTHER_CORE, str(core), *arguments)
    done = place.run(*command, WANDB_BASE_URL="http://127.0.0.1:9")

    assert_line(done, 4, words)
