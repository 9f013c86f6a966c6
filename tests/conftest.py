"""Guard rails and shared flow runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a place for programs to run in, with no W&B at all."""
    return Sandbox(tmp_path)


@pytest.fixture(scope="session")
def flows_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the flow runs that tests share, across workers of one session."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root = shared / "flow-runs"
    root.mkdir(exist_ok=True)
    (root / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def flow_run(flows_root: Path) -> Callable[[str], str]:
    """Return a function that runs a flow of tests/flows once and says its pathspec."""

    def run(name: str) -> str:
        with _only_one(flows_root / f"{name}.lock"):
            done = flows_root / f"{name}.done"
            if not done.exists():
                finished = Sandbox(flows_root).flow(name)
                flow = "".join(word.capitalize() for word in name.split("_"))
                latest = flows_root / ".metaflow" / flow / "latest_run"
                assert latest.exists(), finished.err
                done.write_text(f"{flow}/{latest.read_text()}", encoding="utf-8")
            return done.read_text(encoding="utf-8")

    return run


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Let one process at a time in; the others wait."""
    while True:
        try:
            path.mkdir()
        except FileExistsError:  # noqa: PERF203 - waiting is what it is for
            time.sleep(0.1)
        else:
            break
    try:
        yield
    finally:
        path.rmdir()
