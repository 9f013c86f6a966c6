"""Metaflow on a real datastore, and the fake that tests of the pipeline have in its place."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Resumed
from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox

_ROOT = Path(__file__).parents[2]


def test_alike(
    sandbox: Sandbox, resumed: Resumed, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """The fake holds what the real one reads, and both are asked the same.

    Two of the flow runs started at the same millisecond, which the listing sorts by id.
    """
    pathspecs = [resumed.origin, resumed.pathspec, flow_run("linear_flow")]
    for pathspec, root in zip(pathspecs, (resumed.root, resumed.root, flows_root), strict=True):
        flow, run = pathspec.split("/")
        existing, here = root / ".metaflow" / flow, sandbox.root / ".metaflow" / flow
        for part in ("_meta", run, "data"):
            shutil.copytree(existing / part, here / part, dirs_exist_ok=True)
    pathspecs.append(_twin(sandbox.root, pathspecs[-1]))

    done = sandbox.run(
        *(sys.executable, "-m", "tests.contracts.source_contract"),
        *(metadata_of(sandbox.root), *pathspecs),
        PYTHONPATH=str(_ROOT),
    )

    assert done.code == 0, done.err
    assert done.document == {}, "\n".join(done.document.values())


def _twin(root: Path, pathspec: str) -> str:
    """Copy a flow run to an id of the same millisecond: local ids are microseconds."""
    flow, run = pathspec.split("/")
    other = str(int(run) + (1 if int(run) % 1000 < 999 else -1))
    folder = root / ".metaflow" / flow
    shutil.copytree(folder / run, folder / other)
    for path in (folder / other).rglob("*.json"):
        reported = path.read_text(encoding="utf-8")
        path.write_text(reported.replace(run, other), encoding="utf-8")
        json.loads(path.read_bytes())
    return f"{flow}/{other}"
