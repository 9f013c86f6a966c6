"""Fixtures for tests of what is wrong around a command; a place is made for each of them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import only_one
from tests.faults.every_command import Place, command_lines
from tests.faults.surroundings import make_odd_files
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

__all__ = ["OddPlaces", "all_pairs", "odd_places"]

_SETTINGS = 'project = "p"\n'
_PATIENCE = 100  # seconds
_FOLDERS = ("odd", "read_only", "full")


def all_pairs(names: Iterable[str], others: Iterable[str], one_of: int) -> list[Any]:
    """Return every pair as parameters of a test; one of so many is in the sample."""
    return [
        pytest.param(
            name,
            other,
            marks=()
            if zlib.crc32(f"{name} {other}".encode()) % one_of == 0
            else pytest.mark.exhaustive,
            id=f"{name}-{other.replace(' ', '_')}",
        )
        for name in names
        for other in others
    ]


@dataclass
class OddPlaces:
    """What places are made of.

    Attributes:
        server: stands for W&B.
        flow_run: a flow run of two steps.
    """

    server: WandbServer
    flow_run: str
    flows_root: Path
    bundle: Path
    folders: Mapping[str, Path]
    missing: frozenset[str] = field(default_factory=frozenset)

    def make(self, root: Path, **environment: str) -> Place:
        """Return a new place: a folder with a settings file and a bundle."""
        sandbox = Sandbox(
            root,
            {
                "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self.flows_root),
                "WANDB_BASE_URL": self.server.base_url,
                "WANDB_API_KEY": self.server.api_key,
                "BROWSER": "true",
                **self.filled(environment),
            },
            patience=_PATIENCE,
        )
        (root / "mfwb.toml").write_text(_SETTINGS, encoding="utf-8")
        shutil.copytree(self.bundle, root / "bundle")
        return Place(sandbox, self.flow_run)

    def filled(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return variables with the folders that they name; skip where these can't be made."""
        for folder in self.missing:
            if any(f"{{{folder}}}" in text for text in environment.values()):
                pytest.skip("no file system can be mounted here")
        return {
            name: text.format(**self.folders) if "{" in text else text
            for name, text in environment.items()
        }


@pytest.fixture(scope="module")
def odd_places(
    flows_root: Path, flow_run: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OddPlaces]:
    """Return what places are made of; the server is one for all of them."""
    pathspec = flow_run("two_flow")
    bundle = flows_root / "bundle-of-two"
    root = tmp_path_factory.mktemp("odd-places")
    folders = {name: root / name for name in _FOLDERS}
    for folder in folders.values():
        folder.mkdir()
    make_odd_files(folders["odd"])
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(WandbServer())
        mounted = [
            name
            for name, size in (("read_only", "size=4k,ro"), ("full", "size=4k"))
            if stack.enter_context(_small_file_system(folders[name], size))
        ]
        if "full" in mounted:
            with contextlib.suppress(OSError):
                (folders["full"] / "filling").write_bytes(bytes(8192))
        with only_one(flows_root / "bundle-of-two.lock"):
            if not bundle.exists():
                _make_bundle(bundle, root / "making", flows_root, pathspec)
        missing = {"read_only", "full"}.difference(mounted)
        yield OddPlaces(server, pathspec, flows_root, bundle, folders, frozenset(missing))


def _make_bundle(bundle: Path, root: Path, flows_root: Path, pathspec: str) -> None:
    root.mkdir()
    own = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root), "WANDB_ENTITY": "acme"}
    where = ("--mode", "offline", "--dir", str(bundle), "--project", "p")
    done = Sandbox(root, own).mfwb("sync", pathspec, *where)
    assert done.code == 0, done.err


@contextlib.contextmanager
def _small_file_system(folder: Path, options: str) -> Iterator[bool]:
    """Mount a small file system if this user may; yield whether that worked."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        works = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        works = False
    try:
        yield works
    finally:
        if works:
            subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def names_of_command_lines() -> list[str]:
    """Return the names of all command lines, for the parameters of a test."""
    return [*command_lines("TwoFlow/1")]
