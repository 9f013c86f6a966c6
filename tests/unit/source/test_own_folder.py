"""Whether a flow run is this user's own, on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.snapshot import Datastore
from mfwb.source.own_folder import OwnershipFacts, decide_own_folder, find_own_folder
from tests.support.flow_runs import flow_run, task

FOLDER = Path("/work/project")
OWN = OwnershipFacts(
    provider="local@/work/project",
    datastores=frozenset({("local", "/work/project/.metaflow")}),
    recorded_user="ci",
    current_user="ci",
    folder=FOLDER,
    homes=(Path("/home/ci"), Path("/root")),
    is_private=True,
)


def test_own() -> None:
    """All conditions hold."""
    assert decide_own_folder(OWN) == FOLDER


@pytest.mark.parametrize(
    "against",
    [
        {"provider": "service@https://metaflow"},
        {"datastores": frozenset({("s3", "s3://b/metaflow")})},
        {"datastores": frozenset({("local", "/work/other/.metaflow")})},
        {"datastores": OWN.datastores | {("local", "/home/ci/.metaflow")}},
        {"datastores": frozenset()},
        {"recorded_user": "eve"},
        {"recorded_user": None, "current_user": None},
        {"is_private": False},
        {"homes": (FOLDER,)},
        {"homes": (Path("/root"), FOLDER / "ci")},
        {"folder": Path("/"), "datastores": frozenset({("local", "/.metaflow")})},
    ],
    ids=lambda against: "-".join(sorted(against)) or "nothing",
)
def test_not_own(against: dict[str, object]) -> None:
    """One condition that does not hold is enough."""
    assert decide_own_folder(replace(OWN, **against)) is None  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of flow run DemoFlow/7, which the current user made."""
    folder = tmp_path / "project"
    (folder / ".metaflow" / "DemoFlow" / "7").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("mfwb.source.own_folder._current_user", lambda: "tester")
    return folder


def found(project: Path) -> Path | None:
    """Return the own folder of its flow run."""
    [step] = flow_run(task("start/1")).steps
    datastore = Datastore("local", str(project / ".metaflow"))
    step = replace(step, tasks=tuple(replace(item, datastore=datastore) for item in step.tasks))
    read = replace(
        flow_run(task("start/1")), provider=f"local@{project}", user="tester", steps=(step,)
    )
    return find_own_folder(read)


def test_facts_of_the_disk(project: Path) -> None:
    """Folder, metadata and datastore are the user's."""
    assert found(project) == project.resolve()


@pytest.mark.parametrize("name", ["", ".metaflow", ".metaflow/DemoFlow", ".metaflow/DemoFlow/7"])
def test_where_others_may_write(project: Path, name: str) -> None:
    """If others can write there, the flow run may be anybody's."""
    (project / name).chmod(0o777)

    assert found(project) is None


def test_a_flow_run_that_is_a_link(project: Path) -> None:
    """The owner of a link's target may not be the person who made the link."""
    (project / ".metaflow" / "DemoFlow" / "7").rename(project / "moved")
    (project / ".metaflow" / "DemoFlow" / "7").symlink_to(project / "moved")

    assert found(project) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give folders away")
def test_of_another_user(project: Path) -> None:
    """A flow run that somebody else put there."""
    os.chown(project / ".metaflow" / "DemoFlow" / "7", 12345, 12345)

    assert found(project) is None


def test_the_home_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home folder has more than any flow should send."""
    monkeypatch.setenv("HOME", str(project))

    assert found(project) is None
