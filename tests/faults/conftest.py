"""Scenes, and what one clean sync makes of them."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import only_one
from tests.faults.scene import Scene
from tests.support.sandbox import end
from tests.support.wandb_server import Assumptions, WandbServer


@pytest.fixture
def scene(
    tmp_path: Path, flows_root: Path, flow_run: Callable[[str], str]
) -> Iterator[Callable[..., Scene]]:
    """Return a function that makes a scene around a flow of tests/flows."""
    with ExitStack() as stack:

        def make(
            flow: str, *options: str, assumptions: Assumptions | None = None, name: str = "scene"
        ) -> Scene:
            server = stack.enter_context(WandbServer(assumptions=assumptions))
            return Scene(tmp_path / name, flows_root, flow_run(flow), server, options)

        yield make


def made_once(flows_root: Path, name: str, make: Callable[[], Any]) -> Any:
    """Return what a function makes; of all workers of a session, one calls it."""
    done = flows_root / f"{name}.pickle"
    with only_one(flows_root / f"{name}.lock"):
        if not done.exists():
            done.write_bytes(pickle.dumps(make()))
        return pickle.loads(done.read_bytes())


@pytest.fixture(scope="session")
def clean_state(
    tmp_path_factory: pytest.TempPathFactory, flows_root: Path, flow_run: Callable[[str], str]
) -> Callable[..., dict[str, Any]]:
    """Return a function that says what a server has after one clean sync; made once each."""

    def make(flow: str, *options: str) -> dict[str, Any]:
        with WandbServer() as server:
            folder = tmp_path_factory.mktemp("clean")
            made = Scene(folder, flows_root, flow_run(flow), server, options)
            finished = made.sync()
            assert finished.code == 0, finished.err
            assert made.left() == []
            return made.state()

    @cache
    def clean(flow: str, *options: str) -> dict[str, Any]:
        name = "-".join(["clean", flow, *(option.strip("-") for option in options)])
        state: dict[str, Any] = made_once(flows_root, name, lambda: make(flow, *options))
        return state

    return clean


@pytest.fixture(scope="session")
def changes_of_files(
    tmp_path_factory: pytest.TempPathFactory, flows_root: Path, flow_run: Callable[[str], str]
) -> Callable[[str], int]:
    """Return a function that says how often a sync of the numbered flow changes files."""

    @cache
    def count(mode: str) -> int:
        options = ("--mode", "offline", "--dir", "bundle") if mode == "offline" else ()
        with WandbServer() as server:
            folder = tmp_path_factory.mktemp("counted")
            made = Scene(folder, flows_root, flow_run("numbered_flow"), server, options)
            return int(end(made.start_killer(0)).err.splitlines()[-1])

    return count


@pytest.fixture(scope="session")
def clean_push(
    tmp_path_factory: pytest.TempPathFactory, flows_root: Path, flow_run: Callable[[str], str]
) -> Callable[[str], tuple[Path, dict[str, Any]]]:
    """Return a function that says where a bundle is, and what one clean push makes of it."""

    def make(flow: str) -> tuple[Path, dict[str, Any]]:
        folder = tmp_path_factory.mktemp("pushed")
        with WandbServer() as server:
            made = Scene(folder, flows_root, flow_run(flow), server, ("--mode", "offline"))
            finished = made.sync("--dir", "bundle")
            assert finished.code == 0, finished.err
            shutil.copytree(folder / "bundle", folder / "kept")
            pushed = made.sandbox.mfwb("push", "bundle")
            assert pushed.code == 0, pushed.err
            return folder / "kept", made.state()

    @cache
    def clean(flow: str) -> tuple[Path, dict[str, Any]]:
        made: tuple[Path, dict[str, Any]] = made_once(
            flows_root, f"pushed-{flow}", lambda: make(flow)
        )
        return made

    return clean
