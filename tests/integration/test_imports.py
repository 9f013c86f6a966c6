"""Which slow packages a command loads in its own process: no more than it needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox

FlowRuns = Callable[[str], str]

SLOW = ("metaflow", "numpy", "pandas", "pyarrow", "wandb")
"""From 0.05 to 0.5 seconds each."""

_WATCHED = f"""
import json, sys
from mfwb.cli import main

for command in json.loads(sys.argv[1]):
    code = 1
    try:
        main(command)
    except SystemExit as end:
        code = end.code or 0
    finally:
        loaded = [name for name in {SLOW} if name in sys.modules]
        print("loaded:", code, *loaded, file=sys.stderr)
"""
"""Runs commands one after the other, and says after each how it ended and what is loaded."""


def _loaded(
    sandbox: Sandbox, *commands: Sequence[str], **variables: str
) -> tuple[Finished, list[set[str]]]:
    """Return what is loaded after each of some commands, all of which have to go well."""
    done = sandbox.run(sys.executable, "-c", _WATCHED, json.dumps(commands), **variables)
    lines = [line.split() for line in done.err.splitlines() if line.startswith("loaded:")]
    assert [line[1] for line in lines] == ["0"] * len(commands), done.err
    return done, [set(line[2:]) for line in lines]


def _offline(sandbox: Sandbox, *more: str) -> list[str]:
    return ["--mode", "offline", "--dir", str(sandbox.root / "bundle"), "--entity", "acme", *more]


def test_an_offline_sync(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """Neither wandb nor what reads tables: those are for other processes."""
    pathspec = flow_run("linear_flow")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root))

    commands = [(verb, pathspec, *place) for verb in ("plan", "sync", "sync", "plan")]

    assert _loaded(sandbox, *commands)[1] == [{"metaflow"}] * 4


def test_an_offline_sync_by_w_and_bs_own_settings(
    sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path
) -> None:
    """The mode, the entity and the project may come from variables."""
    pathspec = flow_run("two_flow")
    where = ("--dir", str(sandbox.root / "bundle"), "--metadata", metadata_of(flows_root))
    variables = {"WANDB_MODE": "offline", "WANDB_ENTITY": "acme", "WANDB_PROJECT": "wines"}

    done, loaded = _loaded(sandbox, ("sync", pathspec, *where), **variables)

    assert "acme/wines" in done.out
    assert loaded == [{"metaflow"}]


def test_settings_for_wandb(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """Only wandb can check most of its fields."""
    pathspec = flow_run("two_flow")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root))
    plain, other = sandbox.root / "plain.toml", sandbox.root / "other.toml"
    plain.write_text('[settings]\nrun_group = "nightly"\nrun_tags = ["a", "b"]\n', encoding="utf-8")
    other.write_text('[settings]\ngit_commit = "c0ffee"\n', encoding="utf-8")
    commands = [("plan", pathspec, *place, "--config", str(file)) for file in (plain, other)]

    _, (first, second) = _loaded(sandbox, *commands)

    assert first <= {"metaflow"}
    assert "wandb" in second
    assert second <= {"metaflow", "numpy", "wandb"}


def test_what_only_reads_metaflow(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """W&B has no part in it."""
    pathspec = flow_run("linear_flow")
    commands = (
        ("ls", pathspec.partition("/")[0]),
        ("lineage", pathspec),
        ("explain", f"{pathspec}/start/frame"),
        ("report", pathspec, "--output", str(sandbox.root / "page.html")),
    )
    where = ("--metadata", metadata_of(flows_root))

    _, loaded = _loaded(sandbox, *((*command, *where) for command in commands))

    assert loaded == [{"metaflow"}] * len(commands)


def test_what_needs_neither(sandbox: Sandbox) -> None:
    """Neither of the two packages."""
    commands = (
        ("--help",),
        ("sync", "--help"),
        ("--version",),
        ("status",),
        ("config",),
        ("completion", "bash"),
    )

    assert _loaded(sandbox, *commands)[1] == [set()] * len(commands)


def test_forgetting(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """A ledger alone is changed."""
    pathspec = flow_run("two_flow")
    place = _offline(sandbox, "--metadata", metadata_of(flows_root))
    assert sandbox.mfwb("sync", pathspec, *place).code == 0

    forget = ("forget", pathspec, "--dir", str(sandbox.root / "bundle"), "--yes")

    assert _loaded(sandbox, forget)[1] == [set()]
