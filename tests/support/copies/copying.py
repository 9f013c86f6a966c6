"""Copies of a flow run: done, still running, and what becomes of these."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from .failure import failed
from .origin import Move, MovedFile, Origin, OriginFile

__all__ = [
    "RunningCopy",
    "copy_flow_run",
    "copy_flow_run_with",
    "copy_listing",
    "copy_running_flow_run",
]

# What a task's end leaves behind, in the order in which Metaflow does: who looks in between sees
# a task whose artifacts are there, but which is not done, rather than the other way round.
_OF_THE_END = (
    ".data.json",
    ".DONE.lock",
    "_artifact_",
    "sysmeta_attempt_ok_",
    "sysmeta_attempt-done_",
    ".runtime_stdout.log",
    ".runtime_stderr.log",
    ".task_end",
    ".runtime",
)


def copy_flow_run(
    root: Path, pathspec: str, *, started_at_ms: int, tags: Iterable[str] = ()
) -> str:
    """Copy a flow run of the local datastore under an id of its own.

    Args:
        root: the folder that holds `.metaflow`.
        pathspec: the flow run that is copied, which is done; it is read once.
        started_at_ms: when the copy shall have started, in epoch milliseconds. It takes as long as
            the origin took. Its id is its start in microseconds, or the next one that is free.
        tags: all the user tags of the copy.

    Returns:
        The pathspec of the copy.
    """
    return copy_flow_run_with(_origin(root, pathspec), started_at_ms=started_at_ms, tags=tags)


def copy_flow_run_with(origin: Origin, *, started_at_ms: int, tags: Iterable[str] = ()) -> str:
    """Write a copy of what was read of a flow run; arguments and return are as above."""
    move = _write(origin, origin.files, started_at_ms, tuple(tags))
    return f"{origin.flow_folder.name}/{move.run_id}"


def copy_listing(root: Path, pathspec: str, *, started_at_ms: int, tags: Iterable[str] = ()) -> str:
    """Copy no more of a flow run than what is read to list it; arguments and return are as above.

    Tens of thousands take little time and disk, and whoever does more than list them is found out.
    """
    origin = _origin(root, pathspec)
    listed = [file for file in origin.files if file.path == "_meta/_self.json"]
    move = _write(origin, listed, started_at_ms, tuple(tags), folders=["_meta"])
    return f"{origin.flow_folder.name}/{move.run_id}"


@dataclass(frozen=True)
class RunningCopy:
    """A copy whose last step has begun and not ended; call `finish` or `fail`, and once."""

    pathspec: str
    _origin: Origin
    _move: Move

    def finish(self, *, ended_at_ms: int | None = None) -> None:
        """End it well, at a time in epoch milliseconds; or after the time the origin took."""
        self._end(_late(self._origin), ended_at_ms)

    def fail(self, message: str, *, ended_at_ms: int | None = None) -> None:
        """End it as Metaflow does when its last step raises `ValueError(message)`."""
        self._end(failed(_late(self._origin), self._origin.flow_folder, message), ended_at_ms)

    def _end(self, files: list[OriginFile], ended_at_ms: int | None) -> None:
        move = self._move
        if ended_at_ms is not None:
            move = replace(move, later_us=(ended_at_ms - self._origin.ended_at_ms) * 1000)
        folder = self._origin.flow_folder / move.run_id
        for file in files:
            _write_file(folder, file.moved(move))


def copy_running_flow_run(
    root: Path, pathspec: str, *, started_at_ms: int, tags: Iterable[str] = ()
) -> RunningCopy:
    """Copy a flow run as it was while its last step ran; the arguments are as above."""
    origin = _origin(root, pathspec)
    delayed = {file.path for file in _late(origin)}
    early = [file for file in origin.files if file.path not in delayed]
    move = _write(origin, early, started_at_ms, tuple(tags))
    return RunningCopy(f"{origin.flow_folder.name}/{move.run_id}", origin, move)


@lru_cache(maxsize=8)
def _origin(root: Path, pathspec: str) -> Origin:
    return Origin.read(root, pathspec)


def _late(origin: Origin) -> list[OriginFile]:
    """Return what the end of the last step's tasks left behind, in the order of writing."""
    result = [
        (location, file)
        for file in origin.files
        if file.task is not None and file.task.startswith(f"{origin.end_step}/")
        for location, part in enumerate(_OF_THE_END)
        if (file.name.endswith(part) if part.startswith(".") else part in file.name)
    ]
    return [file for _, file in sorted(result, key=lambda each: each[0])]


def _write(
    origin: Origin,
    files: Iterable[OriginFile],
    started_at_ms: int,
    tags: tuple[str, ...],
    folders: Iterable[str] | None = None,
) -> Move:
    """Write the files of a copy, which is seen when all are there; return how they were moved."""
    number = started_at_ms * 1000
    while True:
        # Metaflow and mfwb look for `*`, and that means no name that begins with a dot.
        making = origin.flow_folder / f".{number}"
        with suppress(FileExistsError):
            making.mkdir()
            if not (origin.flow_folder / str(number)).exists():
                break
            making.rmdir()
        number += 1
    move = Move(origin.run_id, str(number), number - int(origin.run_id), tags)
    for folder in origin.folders if folders is None else folders:
        (making / folder).mkdir(exist_ok=True)
    for file in files:
        _write_file(making, file.moved(move))
    making.rename(origin.flow_folder / move.run_id)
    return move


def _write_file(folder: Path, file: MovedFile) -> None:
    path = f"{folder}/{file.path}"  # a hundred thousand of them: joining paths would take longest
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(descriptor, file.content)
        os.utime(descriptor, ns=(file.changed_at_ns, file.changed_at_ns))
    finally:
        os.close(descriptor)
