"""Which slow packages a command loads in its own process: no more than it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox

FlowRuns = Callable[[str], str]

SLOW = ("metaflow", "numpy", "pandas", "pyarrow", "wandb")
"""From 0.05 to 0.5 seconds each."""

_WATCHED = f"""
import sys
from mfwb.cli import main

try:
    main(sys.argv[1:])
finally:
    print("loaded:", *(name for name in {SLOW} if name in sys.modules), file=sys.stderr)
"""


def _loaded(sandbox: Sandbox, *command: str, **variables: str) -> tuple[Finished, set[str]]:
    done = sandbox.run(sys.executable, "-c", _WATCHED, *command, **variables)
    [line] = [line for line in done.err.splitlines() if line.startswith("loaded:")]
    return done, set(line.split()[1:])


def _offline(sandbox: Sandbox, *more: str) -> list[str]:
    return ["--mode", "offline", "--dir", str(sandbox.root / "bundle"), "--entity", "acme", *more]


def test_an_offline_sync(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """Neither wandb nor what reads tables: those are for other processes."""
    pathspec = flow_run("linear_flow")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root))

    for command in ("plan", "sync", "sync", "plan"):
        done, loaded = _loaded(sandbox, command, pathspec, *place)

        assert done.code == 0, done.err
        assert loaded == {"metaflow"}


def test_an_offline_sync_by_w_and_bs_own_settings(
    sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path
) -> None:
    """The mode, the entity and the project may come from variables."""
    pathspec = flow_run("two_flow")
    where = ("--dir", str(sandbox.root / "bundle"), "--metadata", metadata_of(flows_root))
    variables = {"WANDB_MODE": "offline", "WANDB_ENTITY": "acme", "WANDB_PROJECT": "wines"}

    done, loaded = _loaded(sandbox, "sync", pathspec, *where, **variables)

    assert done.code == 0, done.err
    assert "acme/wines" in done.out
    assert loaded == {"metaflow"}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('run_group = "nightly"\nrun_tags = ["a", "b"]', {"metaflow"}),
        ('git_commit = "c0ffee"', {"metaflow", "numpy", "wandb"}),
    ],
)
def test_settings_for_wandb(
    sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path, table: str, expected: set[str]
) -> None:
    """Only wandb can check most of its fields."""
    pathspec = flow_run("two_flow")
    file = sandbox.root / "given.toml"
    file.write_text(f"[settings]\n{table}\n", encoding="utf-8")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root), "--config", str(file))

    done, loaded = _loaded(sandbox, "plan", pathspec, *place)

    assert done.code == 0, done.err
    assert loaded <= expected
    assert ("wandb" in loaded) is ("wandb" in expected)


@pytest.mark.parametrize("command", ["lineage", "explain", "report", "ls"])
def test_what_only_reads_metaflow(
    sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path, command: str
) -> None:
    """W&B has no part in it."""
    pathspec = flow_run("linear_flow")
    asked = {"explain": f"{pathspec}/start/frame", "ls": pathspec.partition("/")[0]}
    more = ("--output", str(sandbox.root / "page.html")) if command == "report" else ()

    done, loaded = _loaded(
        sandbox, command, asked.get(command, pathspec), *more, "--metadata", metadata_of(flows_root)
    )

    assert done.code == 0, done.err
    assert loaded == {"metaflow"}


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("sync", "--help"),
        ("--version",),
        ("status",),
        ("config",),
        ("completion", "bash"),
    ],
)
def test_what_needs_neither(sandbox: Sandbox, command: tuple[str, ...]) -> None:
    """Neither of the two packages."""
    done, loaded = _loaded(sandbox, *command)

    assert done.code == 0, done.err
    assert loaded == set()


def test_forgetting(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """A ledger alone is changed."""
    pathspec = flow_run("two_flow")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root))
    assert sandbox.mfwb("sync", pathspec, *place).code == 0

    done, loaded = _loaded(
        sandbox, "forget", pathspec, "--dir", str(sandbox.root / "bundle"), "--yes"
    )

    assert done.code == 0, done.err
    assert loaded == set()
