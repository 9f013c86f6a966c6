"""`mfwb push` of bundles that somebody changed: nothing is sent that is not the bundle's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.bundles import ALL, BundleCase
from tests.hostile.scene import Origin, Scene


@pytest.fixture(scope="module")
def bundle(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle of an honest flow run, for copies."""
    with Scene(tmp_path_factory.mktemp("honest") / "scene", origin) as scene:
        scene.add_healthy()
        done = scene.run(*scene.arguments("offline"))
        assert done.code == 0, done.err
        return scene.root / "bundle"


@pytest.fixture
def scene(origin: Origin, bundle: Path, tmp_path: Path) -> Iterator[Scene]:
    """Return a scene with a copy of that bundle."""
    with Scene(tmp_path / "scene", origin) as scene:
        shutil.copytree(bundle, scene.root / "bundle")
        yield scene


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=() if case.sampled else pytest.mark.exhaustive)
        for name, case in ALL.items()
    ],
)
def test_a_changed_bundle_does_no_harm(scene: Scene, case: BundleCase) -> None:
    """It is refused before anything is sent; where it may be pushed, nothing else is."""
    case.change(scene.root / "bundle", scene)

    done, problems = scene.try_out("push")

    assert problems == [], case.story
    if case.refused:
        assert done.code in {1, 2}, done.out
        assert (done.err + done.out).strip()
        assert scene.server.state.projects() == []


def test_an_unchanged_bundle_is_pushed(scene: Scene) -> None:
    """A copy of a bundle in another place is as good as the bundle."""
    done, problems = scene.try_out("push")

    assert problems == []
    assert done.code == 0, done.err
    assert len(scene.server.state.runs("acme/bundle")) == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["ledger-of-texts", "ledger-of-nonsense", "ledger-a-pipe"])
def test_its_status_is_told(scene: Scene, name: str) -> None:
    """`mfwb status` of a bundle whose ledger was changed ends well, and prints no escapes."""
    ALL[name].change(scene.root / "bundle", scene)

    _, problems = scene.try_out("status")

    assert problems == []
