"""Artifacts of type pathlib.Path that name files of the machine that syncs."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun, make_pipe


def _path(
    *, sampled: bool = False, row: str = "6"
) -> Callable[[Callable[[StoredRun, Scene], object]], object]:
    """Return a decorator for functions that return what the path is."""

    def add(make: Callable[[StoredRun, Scene], object]) -> object:
        def build(run: StoredRun, scene: Scene) -> None:
            run.replace("path", opcodes.path(str(make(run, scene))))

        build.__name__, build.__doc__ = make.__name__, make.__doc__
        return attack(row, explain="start/path", sampled=sampled)(build)

    return add


@_path(sampled=True)
def secret_file(_: StoredRun, scene: Scene) -> object:
    """The path names a file with passwords."""
    return scene.netrc


@_path(sampled=True)
def secret_folder(_: StoredRun, scene: Scene) -> object:
    """The path names the folder with the user's keys."""
    return scene.home / ".ssh"


@_path()
def whole_home(_: StoredRun, scene: Scene) -> object:
    """The path names the home."""
    return scene.home


@_path()
def tilde(_: StoredRun, __: Scene) -> object:
    """The path begins with a tilde."""
    return "~/.netrc"


@_path(sampled=True)
def by_a_link(run: StoredRun, scene: Scene) -> object:
    """The path names a link in the datastore that leads to a file with passwords."""
    link = run.datastore / f"{run.label}.csv"
    link.symlink_to(scene.netrc)
    return link


@_path(sampled=True)
def folder_with_links(run: StoredRun, scene: Scene) -> object:
    """The path names a folder in the datastore with links to files with passwords in it."""
    folder = run.datastore / run.label
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n", encoding="utf-8")
    (folder / "b.csv").symlink_to(scene.netrc)
    (folder / "c").symlink_to(scene.home / ".ssh")
    os.link(scene.docker, folder / "hard.json")
    (folder / "hard.json").unlink()  # a hard link can't be told from a file, so it is no attack
    return folder


@_path()
def folder_with_pipe(run: StoredRun, _: Scene) -> object:
    """The path names a folder in the datastore with a pipe and an endless device in it."""
    folder = run.datastore / run.label
    folder.mkdir()
    make_pipe(folder / "wait.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder)
    return folder


@_path(sampled=True)
def environment(_: StoredRun, __: Scene) -> object:
    """The path names the environment of the process that syncs."""
    return "/proc/self/environ"


@_path(sampled=True)
def pipe(run: StoredRun, _: Scene) -> object:
    """The path names a pipe, whose reader would wait for ever."""
    path = run.datastore / f"{run.label}.pipe"
    make_pipe(path)
    return path


@_path(sampled=True)
def device(_: StoredRun, __: Scene) -> object:
    """The path names a device without an end."""
    return "/dev/zero"


@_path(sampled=True)
def by_parents(run: StoredRun, scene: Scene) -> object:
    """The path goes into the datastore and out of it again."""
    return f"{run.datastore}/../../{scene.home.name}/.netrc"


@_path()
def relative(_: StoredRun, __: Scene) -> object:
    """The path names a file of the current folder, whatever that is."""
    return "notes.txt"


@_path(sampled=True)
def nul(_: StoredRun, __: Scene) -> object:
    """The path has a NUL in it."""
    return "/tmp/a\0b"  # noqa: S108 - never opened


@_path()
def endless(_: StoredRun, __: Scene) -> object:
    """The path has a million letters."""
    return "/" + "a" * 1_000_000


@_path()
def file_address(_: StoredRun, scene: Scene) -> object:
    """The path is an address of a file, which W&B's SDK would follow."""
    return f"file://{scene.netrc}"


@_path()
def web_address(_: StoredRun, scene: Scene) -> object:
    """The path is an address of the attacker's, which W&B's SDK might ask."""
    return f"http://127.0.0.1:{scene.canary.port}/x"


@_path()
def bucket(_: StoredRun, scene: Scene) -> object:
    """The path is an address in a bucket, which W&B's SDK might list."""
    return f"s3://127.0.0.1:{scene.canary.port}/bucket"


@_path()
def artifact_address(_: StoredRun, __: Scene) -> object:
    """The path is an address of somebody else's W&B artifact."""
    return "wandb-artifact://0123456789abcdef/secret.csv"


@_path()
def escapes(_: StoredRun, __: Scene) -> object:
    """The path has escape sequences and line ends in its name."""
    return "/nowhere/\x1b]52;c;eA==\x07\n\x1b[2Jx.csv"
