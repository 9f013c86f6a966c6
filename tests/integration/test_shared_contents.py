"""Flow runs that share contents and names: a push leaves on a server what an online sync does."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import differences, settled, unnumbered
from tests.integration.results import metadata_of
from tests.support.copies.contents import contents_of, give, tasks_of
from tests.support.copies.copying import copy_flow_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

_ARRAYS, _FRAMES = ("array1", "array2", "array3"), ("frame1", "frame2")
_POOL = _ARRAYS + _FRAMES
_POOLS = [_ARRAYS, _FRAMES, _POOL]  # of the flow runs
_STARTED = 1_700_000_000_000
MORE = pytest.mark.exhaustive


class Shop:
    """A folder with flow runs, and a server of its own."""

    def __init__(self, root: Path, server: WandbServer) -> None:
        self.root = root
        self.server = server
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        self.sandbox = Sandbox(root, at)

    def sync(self, *arguments: str, machine: str = "one") -> Finished:
        """Sync all flow runs, or some."""
        common = ("--entity", "acme", "--project", "p", "--json", "--metadata")
        what = arguments or ("SharingFlow", "--all")
        state = {"MFWB_STATE_DIR": str(self.root / machine)}
        return self.sandbox.mfwb("sync", *what, *common, metadata_of(self.root), **state)

    def push(self, *arguments: str) -> Finished:
        """Sync all into a bundle, and push that."""
        done = self.sync("SharingFlow", "--all", "--mode", "offline", "--dir", "bundle", *arguments)
        assert done.code == 0, done.err
        return self.sandbox.mfwb("push", "bundle", "--json")

    def state(self) -> dict[str, Any]:
        """Return all that the server has, artifact versions by their content."""
        state = unnumbered(settled(self.server.state.snapshot("acme/p")))
        for run in state["runs"].values():
            run.pop("program")  # `wandb sync` always says its own
        return state


@pytest.fixture
def shops(
    flow_run: Callable[[str], str], flows_root: Path, tmp_path: Path
) -> Iterator[tuple[Shop, Shop]]:
    """Return two places with the same flow run."""
    flow_run("sharing_flow")
    (tmp_path / "one").mkdir()
    flow = Path(".metaflow") / "SharingFlow"
    shutil.copytree(flows_root / flow, tmp_path / "one" / flow)
    with WandbServer() as item, WandbServer() as other:
        yield Shop(tmp_path / "one", item), Shop(tmp_path / "one", other)


def _share(root: Path, choose: Callable[[int], str]) -> list[str]:
    """Make copies of the flow run whose tasks have contents of a pool; return them all."""
    [origin] = [
        f"SharingFlow/{path.name}" for path in (root / ".metaflow" / "SharingFlow").glob("[1-9]*")
    ]
    [start] = [item for item in tasks_of(root, origin) if "/start/" in item]
    pool = contents_of(root, start)
    flow_runs = [
        copy_flow_run(root, origin, started_at_ms=_STARTED + 60_000 * number)
        for number in range(len(_POOLS))
    ]
    shutil.rmtree(root / ".metaflow" / origin)
    for number, flow_run in enumerate(flow_runs):
        before = ""
        for task in sorted(tasks_of(root, flow_run), key=_number):
            if "/end/" in task:  # which only reads
                given = {name: contents_of(root, before)[name] for name in ("x", "y")}
            else:
                given = {name: pool[choose(number)] for name in ("x", "y")}
            give(root, task, given, without=_POOL)
            before = task
    return flow_runs


def _number(task: str) -> int:
    return int(task.rpartition("/")[2])


@pytest.mark.parametrize("granularity", [pytest.param("step", marks=MORE), "task"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=MORE) for seed in range(2, 12))])
def test_a_push_is_an_online_sync(shops: tuple[Shop, Shop], seed: int, granularity: str) -> None:
    """Whoever logged what first, uses it, and has which alias, by the same name."""
    online, pushed = shops
    chance = random.Random(seed)  # noqa: S311 - no secret
    pools = _POOLS if seed == 1 else chance.sample(_POOLS, len(_POOLS))
    _share(online.root, lambda number: chance.choice(pools[number]))

    first = online.sync("SharingFlow", "--all", "--granularity", granularity)
    second = pushed.push("--granularity", granularity)

    assert [first.code, second.code] == [0, 0], first.err + second.err
    if seed == 1:  # what was an array in the oldest flow run, was a frame in the next one
        assert online.server.state.artifact("acme/p/x-dataset:v0").type == "dataset"
    assert differences(pushed.state(), online.state()) == []
    assert second.document["totals"]["items"] == first.document["totals"]["items"]
    before = online.state()
    again = online.sync("SharingFlow", "--all", "--granularity", granularity, machine="two")
    assert {item["status"] for item in again.document["flow_runs"]} == {"unchanged"}
    assert online.state() == before
    assert online.server.surprises == pushed.server.surprises == []
