"""`NAME:latest` and `NAME:run-123` are what Metaflow has; versions are in foreach order."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import only_one
from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import ArtifactVersion, WandbServer

PROBE = Path(__file__).with_name("latest_probe.py")
WAYS = [
    ("online", "task"),
    pytest.param("offline", "step", marks=pytest.mark.exhaustive),
    pytest.param("online", "step", marks=pytest.mark.exhaustive),
    pytest.param("offline", "task", marks=pytest.mark.exhaustive),
]
NAMES = ["data", "first", "model", "same", "state", "table"]


@dataclass(frozen=True)
class Place:
    """A folder with flow runs, a stand-in, and a project."""

    root: Path
    sandbox: Sandbox
    server: WandbServer
    project: str

    def sync(self, pathspec: str, way: str, *arguments: str) -> Finished:
        """Sync a flow run, online or by a push, and return what that printed last."""
        common = ("--json", "--entity", "acme", "--project", self.project)
        metadata = ("--metadata", metadata_of(self.root))
        if way == "online":
            return self.sandbox.mfwb("sync", pathspec, *arguments, *common, *metadata)
        where = ("--mode", "offline", "--dir", "bundle")
        done = self.sandbox.mfwb("sync", pathspec, *arguments, *common, *metadata, *where)
        assert done.code == 0, done.err
        return self.sandbox.mfwb("push", "bundle", "--json")

    def versions(self, name: str) -> list[ArtifactVersion]:
        """Return the versions of a name, in their order."""
        versions = self.server.state.artifacts(f"acme/{self.project}")
        own = [version for version in versions if version.path.split("/")[2].split(":")[0] == name]
        return sorted(own, key=lambda version: int(version.version.removeprefix("v")))

    def probe(self, *pathspecs: str) -> dict[str, list[Any]]:
        """Return for each flow run the names that W&B has, and what is wrong."""
        done = self.sandbox.script(PROBE, str(self.root), f"acme/{self.project}", *pathspecs)
        assert done.code == 0, done.err
        document: dict[str, list[Any]] = done.document
        return document


@pytest.fixture(scope="module")
def picking(flow_run: Callable[[str], str], flows_root: Path) -> tuple[Path, str, str]:
    """Return a folder with a flow run that picks, and one that resumed it at its last step."""
    origin = flow_run("picking_flow")
    root = flows_root / "resumed-picking"
    with only_one(flows_root / "resumed-picking.lock"):
        done = flows_root / "resumed-picking.done"
        if not done.exists():
            shutil.copytree(flows_root / ".metaflow", root / ".metaflow", dirs_exist_ok=True)
            arguments = ("resume", "end", "--origin-run-id", origin.split("/")[1])
            finished = Sandbox(root).flow("picking_flow", *arguments, "--run-id-file", "id.txt")
            assert finished.code == 0, finished.err
            done.write_text((root / "id.txt").read_text(encoding="utf-8"), encoding="utf-8")
        return root, origin, f"PickingFlow/{done.read_text(encoding='utf-8')}"


@pytest.fixture
def place(w_and_b: WandbServer, tmp_path: Path, project: str) -> Callable[[Path], Place]:
    """Return a function that makes a place for flow runs of a folder."""
    at = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    return lambda root: Place(root, Sandbox(tmp_path, at), w_and_b, project)


@pytest.mark.parametrize(("way", "granularity"), WAYS)
def test_aliases_lead_to_what_metaflow_has(
    picking: tuple[Path, str, str], place: Callable[[Path], Place], way: str, granularity: str
) -> None:
    """Also of a resumed flow run, and the account adds up; what is synced again is unchanged."""
    root, origin, resumed = picking
    here = place(root)
    for pathspec in (resumed, origin):
        done = here.sync(pathspec, way, "--granularity", granularity)
        assert done.code == 0, done.err
        [flow_run] = [run for run in done.document["flow_runs"] if run["status"] == "synced"]
        assert not flow_run["account"]["artifacts"].get("lost")
        assert not flow_run.get("losses")

    assert here.probe(origin, resumed) == {origin: [NAMES, []], resumed: [NAMES, []]}
    again = here.sync(resumed, way, "--granularity", granularity)
    assert {run["status"] for run in again.document["flow_runs"]} == {"unchanged"}


@pytest.mark.parametrize(  # the next test has the order online
    "way", [pytest.param("online", marks=pytest.mark.exhaustive), "offline"]
)
def test_versions_of_siblings_are_in_foreach_order(
    flow_run: Callable[[str], str], flows_root: Path, place: Callable[[Path], Place], way: str
) -> None:
    """Whatever the number of workers; equal contents are one version with an alias of each."""
    pathspec = flow_run("wide_flow")
    here = place(flows_root)
    done = here.sync(pathspec, way, "--granularity", "task", "--workers", "5")
    assert done.code == 0, done.err

    versions = here.versions("model")
    start = f"run-{pathspec.split('/')[1]}-candidate-train-"
    candidates = [
        sorted(
            int(alias.removeprefix(start)) for alias in version.aliases if alias.startswith(start)
        )
        for version in versions
    ]
    assert candidates == [[0, 3, 6], [1], [2], [4], [5], [7]]
    assert here.probe(pathspec) == {pathspec: [["model"], []]}


def test_siblings_with_equal_files_keep_their_order(
    place: Callable[[Path], Place], tmp_path: Path
) -> None:
    """The first one logs what is equal, though it comes last; no one waits until the time limit."""
    few = ("--width", "5", "--twins", "True", "--run-id-file", "id.txt")
    ran = Sandbox(tmp_path).flow("wide_flow", "run", *few)
    assert ran.code == 0, ran.err
    pathspec = f"WideFlow/{(tmp_path / 'id.txt').read_text(encoding='utf-8')}"
    here = place(tmp_path)

    def requests(operation: str, task: int) -> Callable[[Any], bool]:
        return lambda request: (
            request.operation == operation
            and str(request.variables.get("displayName", "")).endswith(f"/train/{task}")
        )

    fault = here.server.hold(requests("MfwbClaimRun", 2))
    common = ("--entity", "acme", "--project", here.project, "--granularity", "task")
    arguments = ("sync", pathspec, *common, "--metadata", metadata_of(tmp_path))
    process = here.sandbox.start_mfwb(*arguments, "--workers", "2", "--timeout", "200")
    fault.wait(60)
    here.server.wait_for(requests("UpsertBucket", 3), timeout=60)
    released = time.monotonic()
    fault.release()
    done = process.communicate(timeout=240)

    assert process.returncode == 0, done
    assert time.monotonic() - released < 200  # each would wait so long for the other one
    _have_their_order(here)

    # In a push, one that waits for an equal content is not overtaken under its other names.
    here = replace(here, project=f"{here.project}-push")
    pushed = here.sync(pathspec, "offline", "--granularity", "task")
    assert pushed.code == 0, pushed.err
    _have_their_order(here)


def _have_their_order(here: Place) -> None:
    [twin] = here.versions("twin")
    assert twin.metadata["metaflow"]["task"].endswith("/train/2")
    numbers = [
        [int(version.metadata["metaflow"]["task"].rsplit("/", 1)[1]) for version in versions]
        for versions in (here.versions("model"), here.versions("note"))
    ]
    assert numbers == [[2, 3, 4, 6], [2, 3, 4, 5, 6]]


@pytest.mark.parametrize("way", ["online", pytest.param("offline", marks=pytest.mark.exhaustive)])
def test_a_sibling_that_fails_blocks_no_other(
    flow_run: Callable[[str], str], flows_root: Path, place: Callable[[Path], Place], way: str
) -> None:
    """The others have their numbers in order; the next sync adds what was refused."""
    pathspec = flow_run("wide_flow")
    here = place(flows_root)

    def creates_second(request: Any) -> bool:
        text = str(request.variables or "")
        return request.operation == "CreateArtifact" and "candidate-train-1'" in text

    fault = here.server.fail(creates_second, 400, None, message="no")
    done = here.sync(pathspec, way, "--granularity", "task", "--workers", "5")
    here.server.clear_faults()

    assert fault.struck
    assert done.code == 1
    order = [version.metadata["metaflow"]["task"] for version in here.versions("model")]
    assert order == sorted(order, key=lambda task: int(task.rsplit("/", 1)[1]))
    assert len(order) == 5
    done = here.sync(pathspec, way, "--granularity", "task")
    assert done.code == 0, done.err
    assert len(here.versions("model")) == 6
    assert here.probe(pathspec) == {pathspec: [["model"], []]}
