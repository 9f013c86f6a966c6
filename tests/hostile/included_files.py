"""IncludeFile parameters whose descriptor names something else than what was included."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import FLOW, StoredRun, make_pipe


def _descriptor(
    *, sampled: bool = False, row: str = "3"
) -> Callable[[Callable[[StoredRun, Scene], Any]], object]:
    """Return a decorator for functions that return an address, or fields of a descriptor."""

    def add(make: Callable[[StoredRun, Scene], Any]) -> object:
        def build(run: StoredRun, scene: Scene) -> None:
            fields = make(run, scene)
            given = fields if isinstance(fields, dict) else {"url": fields}
            run.replace("words", opcodes.included(**given))

        build.__name__, build.__doc__ = make.__name__, make.__doc__
        return attack(row, explain="_parameters/words", sampled=sampled)(build)

    return add


def _own(run: StoredRun) -> None:
    """Give the flow run an honest included file that no other has: what is equal is read once."""
    path = _included(run, f"{run.label}-honest", gzip.compress(run.label.encode()))
    run.replace("words", opcodes.included(f"local://{path}", size=len(run.label)))


def _included(run: StoredRun, name: str, data: bytes) -> Path:
    """Put a file where honest ones lie."""
    path = run.store / "data" / FLOW / name
    path.write_bytes(data)
    return path


@attack("1", sampled=True, explain="_parameters/words")
def two_shas(run: StoredRun, scene: Scene) -> None:
    """The metadata provider's record names a pickle that runs a command, the datastore's does not.

    Metaflow's client loads what the former names.
    """
    _own(run)
    sha = run.put(opcodes.executing(scene.marker(run)))
    run.point("words", sha, facts=False)


@attack("1", sampled=True, explain="_parameters/words")
def two_shas_everywhere(run: StoredRun, scene: Scene) -> None:
    """All records of the metadata provider name such a pickle."""
    _own(run)
    sha = run.put(opcodes.executing(scene.marker(run)))
    for path in run.folder.rglob("0_artifact_*.json"):
        run.merge(path, {"sha": sha})


@attack("1", explain="_parameters/words")
def executing_descriptor(run: StoredRun, scene: Scene) -> None:
    """The descriptor itself is a pickle that runs a command."""
    then = opcodes.included("local:///x")[2:-1]
    run.replace("words", opcodes.executing(scene.marker(run), then=then))


@_descriptor(sampled=True)
def passwords(_: StoredRun, scene: Scene) -> str:
    """The descriptor names the file with the user's passwords."""
    return f"local://{scene.netrc}"


@_descriptor(sampled=True)
def external(_: StoredRun, scene: Scene) -> dict[str, Any]:
    """The same, said to be external, which Metaflow reads without a datastore."""
    return {"url": f"local://{scene.netrc}", "kind": "uploader-v2", "sub-type": "external"}


@_descriptor(sampled=True)
def environment(_: StoredRun, __: Scene) -> str:
    """The descriptor names the environment of the process that syncs."""
    return "local:///proc/self/environ"


@_descriptor()
def other_process(_: StoredRun, __: Scene) -> str:
    """The descriptor names the environment of the process by another of its names."""
    return "local:///proc/thread-self/environ"


@_descriptor(sampled=True)
def by_parents(run: StoredRun, scene: Scene) -> str:
    """The descriptor names a file of the user by `..`, from where honest ones lie."""
    return f"local://{run.store}/data/{FLOW}/../../../home/{scene.netrc.name}"


@_descriptor(sampled=True)
def by_a_link(run: StoredRun, scene: Scene) -> str:
    """The descriptor names a link to a file of the user, among honest ones."""
    path = run.store / "data" / FLOW / run.label
    path.symlink_to(scene.netrc)
    return f"local://{path}"


@_descriptor()
def file_address(_: StoredRun, scene: Scene) -> str:
    """The descriptor has an address that urllib would open."""
    return f"file://{scene.netrc}"


@_descriptor(sampled=True)
def web_address(_: StoredRun, scene: Scene) -> str:
    """The descriptor has an address of the attacker's."""
    return f"http://127.0.0.1:{scene.canary.port}/x"


@_descriptor()
def bucket(_: StoredRun, scene: Scene) -> str:
    """The descriptor has an address in a bucket."""
    return f"s3://127.0.0.1:{scene.canary.port}/bucket/x"


@_descriptor()
def no_scheme(_: StoredRun, scene: Scene) -> str:
    """The descriptor has a path in place of an address."""
    return str(scene.netrc)


@_descriptor()
def relative(_: StoredRun, __: Scene) -> str:
    """The descriptor names a file of the current folder."""
    return "local://notes.txt"


@_descriptor()
def folder(_: StoredRun, scene: Scene) -> str:
    """The descriptor names a folder."""
    return f"local://{scene.home / '.ssh'}"


@_descriptor(sampled=True)
def pipe(run: StoredRun, _: Scene) -> str:
    """The descriptor names a pipe, whose reader would wait for ever."""
    path = run.store / "data" / FLOW / run.label
    make_pipe(path)
    return f"local://{path}"


@_descriptor(sampled=True)
def endless(run: StoredRun, _: Scene) -> str:
    """The descriptor names a link to a device without an end."""
    path = run.store / "data" / FLOW / run.label
    path.symlink_to("/dev/zero")
    return f"local://{path}"


@_descriptor(sampled=True)
def nul(_: StoredRun, scene: Scene) -> str:
    """The descriptor's address has a NUL in it."""
    return f"local://{scene.store}/x\0y"


@_descriptor(row="12", sampled=True)
def bomb(run: StoredRun, _: Scene) -> dict[str, Any]:
    """300 kB unpack to 300 MB, and five bytes are recorded."""
    path = _included(run, hashlib.sha1(run.label.encode()).hexdigest(), _zeros(30))  # noqa: S324
    return {"url": f"local://{path}", "is_text": False}


@_descriptor(row="12")
def large_bomb(run: StoredRun, _: Scene) -> dict[str, Any]:
    """3 MB unpack to 3 GB, and that many are recorded."""
    path = _included(run, hashlib.sha1(run.label.encode()).hexdigest(), _zeros(300))  # noqa: S324
    return {"url": f"local://{path}", "is_text": False, "size": 3_000_000_000}


@_descriptor(row="10", sampled=True)
def odd_sizes(run: StoredRun, _: Scene) -> dict[str, Any]:
    """The descriptor's size is infinite."""
    path = _included(run, "a" * 40, gzip.compress(b"x"))
    return {"url": f"local://{path}", "size": float("inf")}


@_descriptor(row="10")
def negative_size(run: StoredRun, _: Scene) -> dict[str, Any]:
    """The descriptor's size is negative."""
    path = _included(run, "b" * 40, gzip.compress(b"x"))
    return {"url": f"local://{path}", "size": -(10**30)}


@_descriptor(row="10")
def odd_fields(_: StoredRun, __: Scene) -> dict[str, Any]:
    """The descriptor's fields are of other types."""
    return {"url": ["local", 7], "kind": {"a": 1}, "encoding": [], "is_text": "x" * 100}


@_descriptor(row="10")
def odd_encoding(run: StoredRun, _: Scene) -> dict[str, Any]:
    """The descriptor's encoding is a codec that unpacks, and text is not in it."""
    path = _included(run, "c" * 40, gzip.compress(b"\xff\xfe"))
    return {"url": f"local://{path}", "encoding": "zip"}


@_descriptor()
def older_kind(_: StoredRun, scene: Scene) -> dict[str, Any]:
    """The descriptor is of the kind that older versions of Metaflow wrote."""
    return {"url": f"local://{scene.netrc}", "kind": "uploader-v1"}


@_descriptor()
def unknown_kind(_: StoredRun, scene: Scene) -> dict[str, Any]:
    """The descriptor is of a kind that does not exist."""
    return {"url": f"local://{scene.netrc}", "kind": "../x"}


def _zeros(times: int) -> bytes:
    """Return ten million zeros so many times, compressed."""
    return gzip.compress(bytes(10_000_000), 9) * times
