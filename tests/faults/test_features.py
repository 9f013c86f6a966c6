"""Everything at once is killed: overview, rules, curves, media, code, and siblings in their order.

Versions are compared with their numbers: those of siblings are in foreach order, killed or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import only_one
from tests.faults.conftest import made_once
from tests.faults.scene import Scene, comes_to, differences, kill_core, settled
from tests.support.sandbox import Sandbox, end
from tests.support.wandb_server import WandbServer

_RULES = """
overview = true

[flow.BusyFlow.artifact.model]
aliases = ["good"]
when = "score > 0.5"
metadata = ["score"]
link = "acme/shared/busy"
"""
_OFFLINE = ("--mode", "offline", "--dir", "bundle")


@dataclass
class Stage:
    """A flow run, and what one clean sync makes of it; makes scenes."""

    root: Path
    flows_root: Path
    pathspec: str
    stack: ExitStack
    bundle: Path = Path()  # as it was before the last clean push

    def scene(self, name: str, granularity: str) -> Scene:
        """Return a scene with a server of its own."""
        server = self.stack.enter_context(WandbServer())
        root = self.root / name
        root.mkdir(parents=True)
        (root / "rules.toml").write_text(_RULES, encoding="utf-8")
        options = ("--config", str(root / "rules.toml"), "--granularity", granularity)
        return Scene(root, self.flows_root, self.pathspec, server, options)

    def clean_state(self, granularity: str, way: str) -> dict[str, Any]:
        """Return what a server has after one clean sync or push; made once for all workers."""
        state: dict[str, Any]
        self.bundle, state = made_once(
            self.flows_root, f"clean-{granularity}-{way}", lambda: self._make(granularity, way)
        )
        return state

    def _make(self, granularity: str, way: str) -> tuple[Path, dict[str, Any]]:
        here = self.scene(f"clean-{granularity}-{way}", granularity)
        finished = here.sync(*(() if way == "sync" else _OFFLINE))
        assert finished.code == 0, finished.err
        if way == "push":
            shutil.copytree(here.root / "bundle", here.root / "kept")
            finished = here.sandbox.mfwb("push", "bundle")
            assert finished.code == 0, finished.err
        return here.root / "kept", _state(here)


def _state(scene: Scene) -> dict[str, Any]:
    """Return all that the server has, with the numbers and the links of versions."""
    versions = scene.server.state.artifacts("acme/p")
    links = {version.path: dict(version.links) for version in versions if version.links}
    return {**settled(scene.server.state.snapshot("acme/p")), "links": links}


@pytest.fixture(scope="module")
def stage(flows_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a flow run with all features, which has its code in the datastore."""
    root = flows_root / "busy"
    with only_one(flows_root / "busy.lock"):
        done = flows_root / "busy.done"
        if not done.exists():
            own = {"METAFLOW_FEAT_ALWAYS_UPLOAD_CODE_PACKAGE": "1"}
            finished = Sandbox(root, own).flow("busy_flow", "run", "--run-id-file", "id.txt")
            assert finished.code == 0, finished.err
            done.write_text((root / "id.txt").read_text(encoding="utf-8"), encoding="utf-8")
        pathspec = f"BusyFlow/{done.read_text(encoding='utf-8')}"
    with ExitStack() as stack:
        yield Stage(tmp_path_factory.mktemp("stage"), root, pathspec, stack)


_REQUESTS = (
    "MfwbClaimRun",
    "UpsertBucket",
    "CreateArtifact",
    "upload",
    "CommitArtifact",
    "UpdateArtifact",
    "LinkArtifact",
    "UseArtifact",
    "file_stream",
    "MfwbHistories",
)
_PUSH_REQUESTS = (
    "UpsertBucket",
    "CreateArtifact",
    "upload",
    "CommitArtifact",
    "MfwbDrafts",
    "MfwbArtifactStates",
    "MfwbCommit",
    "UpdateArtifact",
    "LinkArtifact",
    "UseArtifact",
    "file_stream",
)
_SAMPLE = {("task", "mfwb", "LinkArtifact", 0, "after")}
_PUSH_SAMPLE = {("task", "mfwb", "MfwbCommit", 0, "before")}


def _points(requests: tuple[str, ...], sample: set[Any]) -> list[Any]:
    points = [
        (granularity, victim, request, number, moment)
        for granularity, victim, numbers in (
            ("task", "mfwb", (0, 2, 5)),
            ("task", "both", (1,)),
            ("step", "mfwb", (1,)),
        )
        for request in requests
        for number in numbers
        for moment in ("before", "after")
    ]
    assert sample <= set(points)
    return [
        pytest.param(
            *point,
            marks=() if point in sample else pytest.mark.exhaustive,
            id="-".join(map(str, point)),
        )
        for point in points
    ]


def _kill(scene: Scene, arguments: tuple[str, ...], point: tuple[Any, ...]) -> None:
    """Start mfwb, and kill it or its wandb-core at a request; skip if there is no such request."""
    _, victim, request, number, moment = point
    hold = scene.server.hold if moment == "before" else scene.server.hold_reply
    fault = hold(request, after=number)
    process = scene.sandbox.start_mfwb(*arguments)
    if not comes_to(fault, process):
        finished = end(process)
        assert finished.code == 0, finished.err
        pytest.skip(f"there are no {number + 1} such requests")
    if victim != "mfwb":
        kill_core(process)
    if victim != "core":
        process.kill()
    fault.release()
    end(process)


@pytest.mark.parametrize(
    ("granularity", "victim", "request_", "number", "moment"), _points(_REQUESTS, _SAMPLE)
)
def test_sync_killed(  # noqa: PLR0913 - they say when
    stage: Stage, *, granularity: str, victim: str, request_: str, number: int, moment: str
) -> None:
    """The next sync completes all of it, in the same versions and with the same aliases."""
    wanted = stage.clean_state(granularity, "sync")
    point = (granularity, victim, request_, number, moment)
    here = stage.scene("sync-" + "-".join(map(str, point)), granularity)
    _kill(here, here.arguments, point)

    again = here.sync()
    third = here.sync()

    assert again.code == 0, again.err
    assert differences(_state(here), wanted) == []
    assert third.document["flow_runs"][0]["status"] == "unchanged"
    assert here.left() == []


@pytest.mark.parametrize(
    ("granularity", "victim", "request_", "number", "moment"), _points(_PUSH_REQUESTS, _PUSH_SAMPLE)
)
def test_push_killed(  # noqa: PLR0913 - they say when
    stage: Stage, *, granularity: str, victim: str, request_: str, number: int, moment: str
) -> None:
    """The same holds for a push, also if it sent artifacts and had not committed them."""
    wanted = stage.clean_state(granularity, "push")
    point = (granularity, victim, request_, number, moment)
    here = stage.scene("push-" + "-".join(map(str, point)), granularity)
    shutil.copytree(stage.bundle, here.root / "bundle")
    _kill(here, ("push", "bundle"), point)

    again = here.sandbox.mfwb("push", "bundle", "--json")
    third = here.sandbox.mfwb("push", "bundle", "--json")

    assert again.code == 0, again.err
    assert differences(_state(here), wanted) == []
    assert third.document["flow_runs"][0]["status"] == "unchanged"


@pytest.mark.parametrize("way", ["sync", "push"])
def test_what_is_killed_has_all_features(stage: Stage, way: str) -> None:
    """Else the tests above would prove less than they say."""
    state = stage.clean_state("task", way)
    artifacts = state["artifacts"]
    assert len(state["runs"]) == 8  # seven tasks and the overview
    assert {version["type"] for version in artifacts.values()} >= {"code", "dataset"}
    good = [path for path, version in artifacts.items() if "good" in version["aliases"]]
    assert len(good) == 1
    assert len([path for path in artifacts if "/model:" in path]) == 3  # two of four are equal
    assert list(state["links"]) == good
