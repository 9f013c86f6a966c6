"""W&B, online and in a bundle, and the fake that tests of the pipeline have in its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mfwb.planning import PlannedRun
from tests.contracts.sink_contract import CONTRACT, Scene
from tests.support.fakes import MemoryWandb
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer


@pytest.mark.parametrize("ask", CONTRACT.values(), ids=CONTRACT)
def test_in_memory(ask: Callable[[Scene], None], tmp_path: Path) -> None:
    """The fake keeps each point."""
    sink = MemoryWandb(project="wines")

    def delete(run: PlannedRun) -> None:
        del sink.runs[run.id]
        sink.deleted.add(run.name)

    ask(Scene(sink, tmp_path, remembers=True, delete=delete))


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_really(tmp_path: Path, mode: str) -> None:
    """So does W&B: all of them in one process, since importing wandb takes a while."""
    with WandbServer() as server:
        extra = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = Sandbox(tmp_path, extra).run(
            sys.executable, "-m", "tests.contracts.sink_contract", mode, PYTHONPATH=str(_ROOT)
        )

    assert done.code == 0, done.err
    assert done.document == {}, "\n".join(done.document.values())


_ROOT = Path(__file__).parents[2]
