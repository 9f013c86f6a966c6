"""Killed at any moment, and synced again: the end is that of one clean sync."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import Scene, bundle_of, comes_to, differences, kill_core
from tests.support.sandbox import end
from tests.support.wandb_server import Assumptions, Fault, Incoming, Match
from tests.support.warm import Process

Scenes = Callable[..., Scene]
Clean = Callable[..., dict[str, Any]]
PushedFlowRun = Callable[[str], tuple[Path, dict[str, Any]]]

REQUESTS = (
    "Viewer",
    "Runs",
    "MfwbClaimRun",
    "UpsertBucket",
    "MfwbCollections",
    "CreateArtifact",
    "CreateArtifactManifest",
    "CreateArtifactFiles",
    "upload",
    "CommitArtifact",
    "ArtifactByID",
    "UseArtifact",
    "file_stream",
    "CreateRunFiles",
    "MfwbRunFiles",
    "MfwbHistories",
)
_SAMPLE = {
    ("numbered_flow", "step", "mfwb", "file_stream", 1, "after"),
    ("numbered_flow", "step", "core", "CreateArtifact", 1, "before"),
}


def _points() -> list[Any]:
    """Return where to kill: which process, at which request, before or after W&B has done it."""
    result = []
    for flow, granularity, victim, numbers in (
        ("numbered_flow", "step", "mfwb", (0, 1, 2)),
        ("numbered_flow", "step", "core", (0, 1)),
        ("fan_flow", "step", "mfwb", (0, 3)),
        ("fan_flow", "task", "mfwb", (2,)),
    ):
        for request in REQUESTS:
            for number in numbers if request != "Viewer" else (0,):
                for moment in ("before", "after"):
                    point = (flow, granularity, victim, request, number, moment)
                    marks = () if point in _SAMPLE else (pytest.mark.exhaustive,)
                    result.append(pytest.param(*point, marks=marks, id="-".join(map(str, point))))
    return result


@pytest.mark.parametrize(
    ("flow", "granularity", "victim", "request_", "number", "moment"), _points()
)
def test_killed_at_a_request(  # noqa: PLR0913 - they say when
    scene: Scenes,
    clean_state: Clean,
    *,
    flow: str,
    granularity: str,
    victim: str,
    request_: str,
    number: int,
    moment: str,
) -> None:
    """However far the sync had come with W&B, the next one completes it and doubles nothing."""
    here = scene(flow, "--granularity", granularity)
    process, fault = _held_at(here, request_, number, moment)
    if victim == "mfwb":
        process.kill()
    else:
        kill_core(process)
    fault.release()
    finished = end(process)
    assert finished.code != 0 or victim == "core", finished.out

    again = here.sync()

    assert again.code == 0, again.err
    assert differences(here.state(), clean_state(flow, "--granularity", granularity)) == []
    assert here.left() == []


def _held_at(here: Scene, request: Match, number: int, moment: str) -> tuple[Process, Fault]:
    """Start a sync, and return it when a request is held, before or after W&B has done it.

    It skips the test if that many do not come: wandb-core sends rows together, if it can.
    """
    hold = here.server.hold if moment == "before" else here.server.hold_reply
    fault = hold(request, after=number)
    process = here.start()
    if not comes_to(fault, process):
        finished = end(process)
        assert finished.code == 0, finished.err
        pytest.skip(f"there are no {number + 1} such requests")
    return process, fault


_MODES = ("counted", "uncounted", "overwritten")
_POST_SAMPLE = {("overwritten", "both", 1, "after")}
"""The numbered flow has three rows."""


def _posts(sample: set[Any]) -> list[Any]:
    points = [
        (mode, victim, number, moment)
        for mode in _MODES
        for victim in ("both", "mfwb", "core")
        for number in range(3)
        for moment in ("before", "after")
    ]
    return [
        pytest.param(*point, marks=() if point in sample else pytest.mark.exhaustive)
        for point in points
    ]


@pytest.mark.parametrize(("mode", "victim", "number", "moment"), _posts(_POST_SAMPLE))
def test_killed_between_rows(  # noqa: PLR0913 - they say when
    scene: Scenes, clean_state: Clean, *, mode: Any, victim: str, number: int, moment: str
) -> None:
    """Whatever a server says of rows that are there, none is doubled, overwritten or lost."""
    here = scene("numbered_flow", assumptions=Assumptions(history_on_reinit=mode))
    here.server.rows_at_once = 1
    process, fault = _held_at(here, _brings_rows, number, moment)
    if victim != "mfwb":
        kill_core(process)
    if victim != "core":
        process.kill()
    fault.release()
    end(process)

    again = here.sync()
    fourth = here.sync()

    assert again.code == 0, again.err
    assert differences(here.state(), clean_state("numbered_flow")) == []
    assert fourth.document["flow_runs"][0]["status"] == "unchanged"


_PUSH_SAMPLE = {("uncounted", "mfwb", 0, "after")}


@pytest.mark.parametrize(("mode", "victim", "number", "moment"), _posts(_PUSH_SAMPLE))
def test_push_killed_between_rows(  # noqa: PLR0913 - they say when
    scene: Scenes, clean_push: PushedFlowRun, *, mode: Any, victim: str, number: int, moment: str
) -> None:
    """The same holds for rows of a bundle."""
    bundle, wanted = clean_push("numbered_flow")
    here = scene("numbered_flow", assumptions=Assumptions(history_on_reinit=mode))
    shutil.copytree(bundle, here.root / "bundle")
    here.server.rows_at_once = 1
    hold = here.server.hold if moment == "before" else here.server.hold_reply
    fault = hold(_brings_rows, after=number)
    process = here.sandbox.start_mfwb("push", "bundle")
    assert comes_to(fault, process)
    if victim != "mfwb":
        kill_core(process)
    if victim != "core":
        process.kill()
    fault.release()
    end(process)

    again = here.sandbox.mfwb("push", "bundle", "--json")
    fourth = here.sandbox.mfwb("push", "bundle", "--json")

    assert again.code == 0, again.err
    assert differences(here.state(), wanted) == []
    assert fourth.document["flow_runs"][0]["status"] == "unchanged"


def _brings_rows(request: Incoming) -> bool:
    return request.kind == "file_stream" and "wandb-history.jsonl" in request.variables["files"]


_FILE_POINTS = 60
_FILE_SAMPLE = {("offline", 45)}


@pytest.mark.parametrize(
    ("mode", "point"),
    [
        pytest.param(
            *(mode, point),
            marks=() if (mode, point) in _FILE_SAMPLE else pytest.mark.exhaustive,
        )
        for mode, step in (("offline", 1), ("online", 3))  # which touches few files
        for point in range(step, _FILE_POINTS + 1, step)
    ],
)
def test_killed_at_a_file(
    scene: Scenes, clean_state: Clean, changes_of_files: Callable[[str], int], mode: str, point: int
) -> None:
    """However far the sync had come on the disk, the next one completes it and leaves no rest."""
    options = ("--mode", "offline", "--dir", "bundle") if mode == "offline" else ()
    here = scene("numbered_flow", *options)
    process = here.start_killer(max(1, changes_of_files(mode) * point // (_FILE_POINTS + 1)))
    assert end(process).code == -9

    again = here.sync()

    assert again.code == 0, again.err
    assert here.left() == []
    if mode == "online":
        assert differences(here.state(), clean_state("numbered_flow")) == []
    else:
        clean = scene("numbered_flow", *options, name="clean")
        assert clean.sync().code == 0
        bundles = bundle_of(here.root / "bundle"), bundle_of(clean.root / "bundle")
        assert differences(*bundles) == []
