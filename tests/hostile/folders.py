"""Pipes, devices, sockets, links and odd names where files and folders are meant."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import FLOW, StoredRun, make_pipe

_ODD_NAMES = (b"\xff\xfe", b"line\nend", b"\x1b[31mred\x1b[0m", b"[x]", b"a" * 255)

Target = Callable[[StoredRun], Path]


def _blob(run: StoredRun) -> Path:
    """Return a content that no other flow run has."""
    return run.blob(run.put(run.label.encode().ljust(80, b"-")))


def _pointed(run: StoredRun) -> Path:
    path = _blob(run)
    run.point("values", path.name)
    return path


_TARGETS: dict[str, Target] = {
    "record": lambda run: run.record("start", "frame"),
    "metadata": lambda run: run.metadata("start", "user")[0],
    "facts": lambda run: run.facts("start"),
    "blob": _pointed,
    "log": lambda run: run.task("start") / "0.runtime_stdout.log",
    "card": lambda run: next(run.cards.rglob("*.html")),
    "task": lambda run: run.task("start") / "_meta" / "_self.json",
    "run": lambda run: run.folder / "_meta" / "_self.json",
}


def _pipe(path: Path, _: Scene) -> None:
    make_pipe(path)


def _device(path: Path, _: Scene) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _socket(path: Path, _: Scene) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's name may have no more than 107 bytes
        try:
            listening.bind("s")
        finally:
            os.chdir(here)
    (path.parent / "s").rename(path)


def _folder(path: Path, _: Scene) -> None:
    path.unlink()
    path.mkdir()


def _link_out(path: Path, scene: Scene) -> None:
    path.unlink()
    path.symlink_to(scene.docker)


def _loop(path: Path, _: Scene) -> None:
    path.unlink()
    path.symlink_to(path.name)


_INSTEAD: dict[str, tuple[str, Callable[[Path, Scene], None]]] = {
    "pipe": ("a pipe, whose reader would wait for ever", _pipe),
    "device": ("a link to a device without an end", _device),
    "socket": ("a socket", _socket),
    "folder": ("a folder", _folder),
    "link-out": ("a link to a file with passwords", _link_out),
    "loop": ("a link to itself", _loop),
}
_SAMPLED = {"facts-pipe", "blob-pipe", "card-pipe", "blob-device", "metadata-device", "log-folder",
            "record-link-out"}  # fmt: skip


def _in_place_of(kind: str, target: Target, other: str, story: str, put: Callable[..., None]
                 ) -> None:  # fmt: skip
    def build(run: StoredRun, scene: Scene) -> None:
        put(target(run), scene)

    name = f"{kind}-{other}"
    text = f"In place of its {kind} there is {story}."
    explain = "start/values" if kind == "blob" else "start/frame"
    attack("10", name=name, story=text, sampled=name in _SAMPLED, alone=kind == "run",
           explain=explain)(build)  # fmt: skip


for _kind, _target in _TARGETS.items():
    for _other, (_story, _put) in _INSTEAD.items():
        _in_place_of(_kind, _target, _other, _story, _put)


@attack("10", alone=True)
def loop_of_runs(run: StoredRun, _: Scene) -> None:
    """Among the flow runs there are links to themselves, to one another, and to the flow."""
    (run.flow_folder / "1600000000000001").symlink_to("1600000000000001")
    (run.flow_folder / "1600000000000002").symlink_to("1600000000000003")
    (run.flow_folder / "1600000000000003").symlink_to("1600000000000002")
    (run.flow_folder / "1600000000000004").symlink_to(".")
    (run.flow_folder / "1600000000000005").symlink_to("..")


@attack("10", alone=True)
def loop_of_steps(run: StoredRun, _: Scene) -> None:
    """Among the steps and tasks there are links to themselves and to what is above them."""
    (run.folder / "loop").symlink_to("loop")
    (run.folder / "again").symlink_to(".")
    (run.folder / "start" / "9").symlink_to("9")
    (run.folder / "start" / "8").symlink_to("../..")
    (run.task("start") / "_meta" / "sysmeta_x_1.json").symlink_to("sysmeta_x_1.json")


@attack("10", alone=True)
def run_outside(run: StoredRun, scene: Scene) -> None:
    """Among the flow runs there are links to that of another datastore, and to the machine."""
    secret = scene.other / ".metaflow" / FLOW / "7000"
    (run.flow_folder / "7000").symlink_to(secret)
    (run.flow_folder / "7001").symlink_to("/")


@attack("10", alone=True, sampled=True)
def odd_runs(run: StoredRun, _: Scene) -> None:
    """Beside the flow run there are folders with odd names, of flow runs that say the same."""
    odd = (b"*", b"-rf", b" ", b"...", b"\xe2\x80\xaeright", b"{x}", b"$(touch x)", b"%s")
    for name in (*_ODD_NAMES, *odd):
        shutil.copytree(run.folder, run.flow_folder / os.fsdecode(name))


@attack("10", alone=True)
def odd_steps(run: StoredRun, _: Scene) -> None:
    """Beside the steps there are folders with odd names, of steps that say the same."""
    for name in (*_ODD_NAMES, b"*"):
        shutil.copytree(run.folder / "start", run.folder / os.fsdecode(name))


@attack("10", alone=True)
def odd_flows(run: StoredRun, _: Scene) -> None:
    """Beside the flow there are folders with odd names, and links in circles."""
    for name in _ODD_NAMES:
        shutil.copytree(run.flow_folder / "_meta", run.datastore / os.fsdecode(name) / "_meta")
    (run.datastore / "Loop").symlink_to("Loop")
    (run.datastore / "Up").symlink_to("..")


@attack("10", alone=True)
def flow_record_a_pipe(run: StoredRun, _: Scene) -> None:
    """The record of the flow is a pipe."""
    make_pipe(run.flow_folder / "_meta" / "_self.json")


@attack("10")
def attempts_in_names(run: StoredRun, _: Scene) -> None:
    """Names of records have attempts that are no numbers, or enormous."""
    [sample] = run.metadata("start", "attempt-done")
    for name in ("attempt-done_x", "attempt-done_99999999999999999999", "attempt_-1"):
        (sample.with_name(f"sysmeta_{name}.json")).write_bytes(sample.read_bytes())
    frame = run.record("start", "frame")
    frame.with_name(f"{'9' * 200}_artifact_frame.json").write_bytes(frame.read_bytes())


@attack("10")
def many_links(run: StoredRun, _: Scene) -> None:
    """A content is at the end of forty links."""
    path = _pointed(run)
    last = path.rename(path.with_name("last"))
    for number in range(45):
        link = path.with_name(f"{run.label}{number}")
        link.symlink_to(last.name)
        last = link
    path.symlink_to(last.name)
