"""Lineage by source, and a source that does not stay as it was."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from tests.integration.results import edges_of
from tests.sandbox import Finished, Sandbox

_FLOW = """
from metaflow import FlowSpec, step
import pandas as pd

class SmallFlow(FlowSpec):
    @step
    def start(self):
        self.used = pd.DataFrame({"a": [1]})
        self.unused = pd.DataFrame({"b": [1]})
        self.next(self.end)

    @step
    def end(self):
        print(len(self.used))

if __name__ == "__main__":
    SmallFlow()
"""


@pytest.fixture
def flow(sandbox: Sandbox) -> Path:
    """Return the script of a flow that was run in the sandbox."""
    script = sandbox.root / "small_flow.py"
    script.write_text(_FLOW, encoding="utf-8")
    done = sandbox.run(sys.executable, str(script), "--quiet", "run")
    assert done.code == 0, done.err
    return script


def _sync(sandbox: Sandbox, *more: str) -> Finished:
    where = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--json")
    return sandbox.mfwb("sync", "SmallFlow/latest", *where, *more)


def test_what_was_read_by_its_source(sandbox: Sandbox, flow: Path) -> None:
    """The step uses the one it reads, and not the one it is handed besides."""
    assert flow.exists()

    done = _sync(sandbox)

    assert edges_of(done.document) == {("end", "used", "start")}
    [end] = [run for run in done.document["flow_runs"][0]["wandb_runs"] if run["job_type"] == "end"]
    assert [one["ground"] for one in end["inputs"]] == ["read"]


def test_an_edit_after_the_sync_changes_nothing(sandbox: Sandbox, flow: Path) -> None:
    """What was written with the help of the source stays; it is not written again."""
    _sync(sandbox)
    before = _tree(sandbox.root / "bundle")
    flow.write_text(f"# edited\n{_FLOW}", encoding="utf-8")

    done = _sync(sandbox)

    assert done.document["flow_runs"][0]["status"] == "unchanged"
    assert _tree(sandbox.root / "bundle") == before


def test_an_edit_before_the_sync_is_said(sandbox: Sandbox, flow: Path) -> None:
    """All that was on offer counts then, and `mfwb lineage` says why."""
    flow.write_text(f"# edited\n{_FLOW}", encoding="utf-8")

    done = _sync(sandbox)
    shown = sandbox.mfwb("lineage", "SmallFlow/latest")

    assert edges_of(done.document) == {("end", "used", "start"), ("end", "unused", "start")}
    assert "its source was edited: start is at line 8, and ran at line 7" in " ".join(
        shown.out.split()
    )


def test_a_resumed_flow_run_shares_the_versions_of_its_origin(
    online: Sandbox, flow: Path, project: str
) -> None:
    """A clone logs the content of its origin: the same versions, which fresh tasks use."""
    assert flow.exists()
    resumed = online.run(sys.executable, str(flow), "--quiet", "resume", "end")
    assert resumed.code == 0, resumed.err

    done = online.mfwb("sync", "SmallFlow", "--last", "2", "--project", project, "--json")

    origin, again = done.document["flow_runs"]
    assert done.code == 0, done.err
    assert edges_of(done.document) == {("end", "used", "start")}
    made = {one["name"]: one for run in origin["wandb_runs"] for one in run["outputs"]}
    shared = {one["name"]: one for run in again["wandb_runs"] for one in run["outputs"]}
    assert {name: one["version"] for name, one in shared.items()} == {
        name: one["version"] for name, one in made.items()
    }
    assert all(one["deduplicated"] for one in shared.values())


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger")
    }
