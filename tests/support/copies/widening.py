"""A copy of a flow run in which a foreach has more tasks: hundreds or thousands, in seconds.

Metaflow takes a process for each task. Here each further task is a copy of one that Metaflow ran,
with an id, an index and artifacts of its own, and the other tasks are told how many there are.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from .copying import copy_flow_run_with
from .origin import Origin, OriginFile

__all__ = ["Wide", "widen_flow_run"]

_COMPRESSION = 3  # as in Metaflow's `content_addressed_store`
_RAW = '{"cas_raw": false, "cas_version": 1}'


@dataclass(frozen=True)
class Wide:
    """What a wide flow run has that the original has not.

    Attributes:
        step: the step whose tasks become more.
        tasks: how many it shall have.
        artifacts: the artifacts that the task of an index has, as far as they differ from those of
            the task that is copied.
        of_steps: the artifacts of other steps that say how many tasks there are, by step; the name
            of the step of parameters is `_parameters`.
    """

    step: str
    tasks: int
    artifacts: Callable[[int], Mapping[str, Any]]
    of_steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def widen_flow_run(root: Path, pathspec: str, wide: Wide, *, started_at_ms: int) -> str:
    """Copy a flow run with more tasks, and return the pathspec of the copy.

    Args:
        root: the folder that holds `.metaflow`.
        pathspec: the flow run that is copied, which is done. Its tasks have numbers as ids.
        wide: what the copy has.
        started_at_ms: when the copy shall have started, in epoch milliseconds.
    """
    origin = Origin.read(root, pathspec)
    blobs = _Blobs(origin.flow_folder / "data")
    by_task: dict[str, list[OriginFile]] = {}
    others = []
    for file in origin.files:
        if file.task is None:
            others.append(file)
        else:
            by_task.setdefault(file.task, []).append(file)
    of_step = sorted((t for t in by_task if t.startswith(f"{wide.step}/")), key=_number)
    first = _number(of_step[0])
    files = list(others)
    for task, own in by_task.items():
        if task in of_step:
            continue
        step, number = task.split("/")
        new = int(number) + (wide.tasks - len(of_step) if int(number) > first else 0)
        changed = wide.of_steps.get(step, {})
        files += _renumbered(own, step, new, {name: blobs.add(v) for name, v in changed.items()})
    for index in range(wide.tasks):
        template = by_task[of_step[index % len(of_step)]]
        stack = blobs.with_index(_sha_of(template, "_foreach_stack"), index, wide.tasks)
        own_blobs = {name: blobs.add(value) for name, value in wide.artifacts(index).items()}
        own_blobs["_foreach_stack"] = stack
        files += _renumbered(template, wide.step, first + index, own_blobs, index=index)
    return copy_flow_run_with(replace(origin, files=tuple(files)), started_at_ms=started_at_ms)


def _number(task: str) -> int:
    return int(task.split("/")[1])


def _sha_of(files: list[OriginFile], name: str) -> str:
    [record] = [file for file in files if file.name.endswith("0.data.json")]
    return str(json.loads(record.content)["objects"][name])


def _renumbered(
    files: list[OriginFile],
    step: str,
    number: int,
    blobs: Mapping[str, tuple[str, int]],
    *,
    index: int | None = None,
) -> list[OriginFile]:
    """Return the files of a task under another id, with other artifacts."""
    return [_renumbered_file(file, step, number, blobs, index) for file in files]


def _renumbered_file(
    file: OriginFile,
    step: str,
    number: int,
    blobs: Mapping[str, tuple[str, int]],
    index: int | None,
) -> OriginFile:
    path = "/".join([step, str(number), *file.path.split("/")[2:]])
    content = file.content
    if isinstance(content, dict):
        content = {**content, "task_id": str(number)}
        name = str(content.get("name"))
        if name in blobs and "sha" in content:
            content["sha"] = blobs[name][0]
        if index is not None and content.get("field_name") == "foreach-execution-path":
            content["value"] = f"{content['value'].rpartition(':')[0]}:{index}"
    elif file.name == "0.data.json":
        record = json.loads(content)
        for name, (sha, size) in blobs.items():
            record["objects"][name] = sha
            record["info"][name]["size"] = size
        content = json.dumps(record).encode()
    return OriginFile(path, content, file.changed_at_ns)


class ForeachFrame(NamedTuple):
    """One level of a foreach, as in `metaflow.tuple_util`."""

    step: str
    var: str
    num_splits: int
    index: int  # type: ignore[assignment]  # it hides a method of tuples, as Metaflow's does
    value: str


ForeachFrame.__module__ = "__main__"


class _Blobs:
    """The artifacts of a flow, by content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, value: Any) -> tuple[str, int]:
        """Store a value as Metaflow does, and return its sha1 and its size."""
        return self._put(pickle.dumps(value, protocol=4))

    def with_index(self, sha: str, index: int, splits: int) -> tuple[str, int]:
        """Store the foreach stack of a task at another index."""
        stored = (self._folder / sha[:2] / sha).read_bytes()
        frames = _Frames(io.BytesIO(gzip.decompress(stored))).load()
        frames[-1] = frames[-1]._replace(num_splits=splits, index=index)
        return self._put(_pickled_frames(frames))

    def _put(self, data: bytes) -> tuple[str, int]:
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path = self._folder / sha[:2] / sha
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.compress(data, _COMPRESSION))
            path.with_name(f"{sha}_meta").write_text(_RAW, encoding="utf-8")
        return sha, len(data)


class _Frames(pickle.Unpickler):
    """Reads foreach stacks, whose class Metaflow puts into `__main__`, without Metaflow."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the class of a name."""
        return ForeachFrame if name == "ForeachFrame" else super().find_class(module, name)


def _pickled_frames(frames: list[ForeachFrame]) -> bytes:
    """Return a foreach stack as Metaflow pickles it; the class has to be found in `__main__`."""
    main: Any = sys.modules["__main__"]
    before = vars(main).get("ForeachFrame")
    main.ForeachFrame = ForeachFrame
    try:
        return pickle.dumps(frames, protocol=4)
    finally:
        main.ForeachFrame = before
