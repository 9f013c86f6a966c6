"""Lineage by source, and a source that does not stay as it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.results import edges_of, metadata_of
from tests.support.sandbox import Finished, Sandbox

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


@dataclass(frozen=True)
class Small:
    """A flow run and its script, in the folder that it was run in."""

    script: Path
    pathspec: str

    def edit(self) -> None:
        """Put a line before the others."""
        self.script.write_text(f"# edited\n{_FLOW}", encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Return a flow run that is made once."""
    root = tmp_path_factory.mktemp("small")
    script = root / "small_flow.py"
    script.write_text(_FLOW, encoding="utf-8")
    done = Sandbox(root).script(script, "--quiet", "run", "--run-id-file", "id.txt")
    assert done.code == 0, done.err
    return Small(script, f"SmallFlow/{(root / 'id.txt').read_text(encoding='utf-8')}")


@pytest.fixture
def flow(ran: Small) -> Iterator[Small]:
    """Return the flow run; its script is what it was when the test is over."""
    before = ran.script.stat()
    yield ran
    ran.script.write_text(_FLOW, encoding="utf-8")
    os.utime(ran.script, ns=(before.st_atime_ns, before.st_mtime_ns))


def _sync(sandbox: Sandbox, flow: Small) -> Finished:
    where = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--json")
    return sandbox.mfwb("sync", flow.pathspec, *where, *_metadata(flow))


def _metadata(flow: Small) -> tuple[str, str]:
    return ("--metadata", metadata_of(flow.script.parent))


def test_what_was_read_by_its_source(sandbox: Sandbox, flow: Small) -> None:
    """The step uses the one it reads, and not the one it is handed besides."""
    done = _sync(sandbox, flow)

    assert edges_of(done.document) == {("end", "used", "start")}
    [end] = [run for run in done.document["flow_runs"][0]["wandb_runs"] if run["job_type"] == "end"]
    assert [item["ground"] for item in end["inputs"]] == ["read"]


def test_an_edit_after_the_sync_changes_nothing(sandbox: Sandbox, flow: Small) -> None:
    """What was written with the help of the source stays; it is not written again."""
    _sync(sandbox, flow)
    before = _tree(sandbox.root / "bundle")
    flow.edit()

    done = _sync(sandbox, flow)

    assert done.document["flow_runs"][0]["status"] == "unchanged"
    assert _tree(sandbox.root / "bundle") == before


def test_an_edit_before_the_sync_is_said(sandbox: Sandbox, flow: Small) -> None:
    """All that was on offer counts then, and `mfwb lineage` says why."""
    flow.edit()

    done = _sync(sandbox, flow)
    shown = sandbox.mfwb("lineage", flow.pathspec, *_metadata(flow))

    assert edges_of(done.document) == {("end", "used", "start"), ("end", "unused", "start")}
    assert "its source was edited: start is at line 8, and ran at line 7" in " ".join(
        shown.out.split()
    )


def test_a_resumed_flow_run_shares_the_versions_of_its_origin(
    online: Sandbox, flow: Small, project: str
) -> None:
    """A clone logs the content of its origin: the same versions, which fresh tasks use."""
    resumed = Sandbox(flow.script.parent).script(
        *(flow.script, "--quiet", "resume", "end"),
        *("--origin-run-id", flow.pathspec.partition("/")[2]),
    )
    assert resumed.code == 0, resumed.err

    to = ("--project", project, *_metadata(flow))
    done = online.mfwb("sync", "SmallFlow", "--last", "2", "--json", *to)

    origin, again = done.document["flow_runs"]
    assert done.code == 0, done.err
    assert edges_of(done.document) == {("end", "used", "start")}
    made = {item["name"]: item for run in origin["wandb_runs"] for item in run["outputs"]}
    shared = {item["name"]: item for run in again["wandb_runs"] for item in run["outputs"]}
    assert {name: item["version"] for name, item in shared.items()} == {
        name: item["version"] for name, item in made.items()
    }
    assert all(item["deduplicated"] for item in shared.values())


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger")
    }
