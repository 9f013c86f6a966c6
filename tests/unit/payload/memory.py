"""`Contents` in memory, and short functions to build plans."""

from __future__ import annotations

import base64
import io
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import md5, sha1
from pathlib import Path
from typing import Any

from mfwb.config import Unpickle
from mfwb.errors import ItemLost
from mfwb.files.allowed_files import AllowedFiles
from mfwb.planning import (
    Content,
    Form,
    OutputArtifact,
    PlannedFile,
    PlannedRun,
    PlannedValue,
    Preview,
    TaskRow,
    WandbRunId,
)
from mfwb.ports import BlobLocation, CheckpointFile, CodeFile, ExcludedCode, LogLine
from mfwb.snapshot import Card
from mfwb.snapshot.checkpoints import StoredReference

TASK = "Flow/1/train/4"


class MemoryContents:
    """Holds what a flow run left behind; remembers what was asked of it."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.included: dict[str, bytes] = {}
        self.logs: dict[str, list[LogLine]] = {}
        self.batches: list[list[str]] = []
        self.copies: list[str] = []
        self.heads: list[tuple[str, int]] = []
        self.cards: dict[str, bytes] = {}
        self.rules: list[tuple[AllowedFiles, int | None]] = []  # for included files
        self.shares: list[int] = []  # bytes that may be read of logs
        self.checkpoints: dict[str, dict[str, bytes | None]] = {}  # None: it can't be read
        self.own_folder: Path | None = None

    @property
    def read_whole(self) -> list[str]:
        """The names of what was read as a whole, as often as it was, in any order."""
        return sorted([*self.copies, *(name for batch in self.batches for name in batch)])

    def add(self, value: Any, name: str = "x", task: str = TASK, protocol: int = 4) -> Content:
        """Keep a value's pickle, and return how it is referred to."""
        return self.add_bytes(pickle.dumps(value, protocol=protocol), name, task)

    def add_bytes(self, data: bytes, name: str = "x", task: str = TASK) -> Content:
        """Keep bytes, and return how they are referred to."""
        key = sha1(data, usedforsecurity=False).hexdigest()
        self.blobs[key] = data
        return Content(task, name, key, len(data))

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the bytes by sha1."""
        self.batches.append([content.name for content in contents])
        return {item.sha1: self.blobs[item.sha1] for item in contents if item.sha1 in self.blobs}

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes."""
        self.heads.append((content.name, size))
        if content.sha1 not in self.blobs:
            raise ItemLost("the blob is gone")
        return self.blobs[content.sha1][:size]

    def copy(self, content: Content, path: Path) -> str:
        """Write the bytes into a file."""
        self.copies.append(content.name)
        if content.sha1 not in self.blobs:
            raise ItemLost("the blob is gone")
        return _written(self.blobs[content.sha1], path)

    def locate(self, content: Content) -> BlobLocation | None:
        """Return None: nobody else can look into this memory."""

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Write what an IncludeFile holds into a file."""
        self.rules.append((allowed, limit))
        if content.sha1 not in self.included:
            raise ItemLost("the included file is gone")
        return _written(self.included[content.sha1], path)

    def check_included(self, content: Content, *, allowed: AllowedFiles, limit: int | None) -> None:
        """Tell whether an IncludeFile can be read."""
        self.rules.append((allowed, limit))
        if content.sha1 not in self.included:
            raise ItemLost("the included file is gone")

    def small_log_size(self, task: str, *, max_bytes: int) -> int | None:
        """Return the bytes of a log that fits."""
        if task not in self.logs:
            return None
        size = sum(len(line.text) for line in self.logs[task])
        return size if size <= max_bytes else None

    def checkpoint_files(self, task: str, reference: StoredReference) -> Iterator[CheckpointFile]:
        """Yield the files of a checkpoint."""
        if reference.key not in self.checkpoints:
            raise ItemLost(f"the checkpoint of {task} is gone")
        for name, data in self.checkpoints[reference.key].items():
            yield CheckpointFile(name, None if data is None else io.BytesIO(data), "it is a link")

    def locate_checkpoint(
        self, task: str, reference: StoredReference
    ) -> list[tuple[str, BlobLocation]] | None:
        """Return None: nobody else can look into this memory."""

    def read_code(
        self,
        content: Content,
        packed: Path,  # noqa: ARG002
        keep: Callable[[CodeFile], None],
    ) -> ExcludedCode:
        """Give the same bytes under three names."""
        if content.sha1 not in self.blobs:
            raise ItemLost("the blob is gone")
        for name in ("flow.py", "../above.py", "a/flow.py"):
            keep(CodeFile(name, io.BytesIO(self.blobs[content.sha1])))
        return ExcludedCode(400, {"link": "it is a link"})

    def log(self, task: str, *, max_bytes: int) -> Iterable[LogLine]:
        """Return the lines of a task."""
        self.shares.append(max_bytes)
        if task not in self.logs:
            raise ItemLost("the log is gone")
        return self.logs[task]

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card into a file."""
        if card.uuid not in self.cards:
            raise ItemLost(f"no card {card.type} of {task}")
        path.write_bytes(self.cards[card.uuid])


def _written(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    return base64.b64encode(md5(data, usedforsecurity=False).digest()).decode()


def gone(name: str = "x", task: str = TASK) -> Content:
    """Return a reference to bytes that nobody has."""
    return Content(task, name, "0" * 40, 10)


def row(place: int, *, seconds: float | None = None, failure: str | None = None) -> TaskRow:
    """Return a task of a foreach."""
    state = "ok" if failure is None else "failed"
    return TaskRow(f"Flow/1/train/{place + 4}", place, str(place), state, seconds, failure)


def planned_run(  # noqa: PLR0913 - each with a default
    *,
    tasks: Sequence[TaskRow] = (),
    values: Mapping[str, Sequence[Content]] | None = None,
    outputs: Sequence[OutputArtifact] = (),
    summary: dict[str, Any] | None = None,
    unpickle: Unpickle = "safe",
    name: str = "train",
    level: int = 0,
) -> PlannedRun:
    """Return a W&B run; it stands for a foreach if tasks are given."""
    return PlannedRun(
        id=WandbRunId(f"flow-1-{name}-00000000"),
        name=f"Flow/1/{name}",
        group="Flow/1",
        job_type=name,
        level=level,
        merged=bool(tasks),
        tasks=tuple(tasks) or (TaskRow(TASK, 0, "0", "ok", 1.5),),
        tags=(),
        config={},
        summary=summary or {},
        values=tuple(
            PlannedValue(key, tuple(contents)) for key, contents in (values or {}).items()
        ),
        inputs=(),
        outputs=tuple(outputs),
        exit_code=0,
        started_at=None,
        runtime=None,
        origin={},
        cards=(),
        unpickle=unpickle,
    )


def output(
    *files: PlannedFile, name: str = "x", metadata: dict[str, Any] | None = None
) -> OutputArtifact:
    """Return a W&B artifact of some files."""
    return OutputArtifact(name, "dataset", ("latest",), metadata or {}, files)


def planned_file(
    content: Content,
    form: Form,
    stem: str = "x",
    preview: Preview | None = None,
    plugin: str = "",
) -> PlannedFile:
    """Return one artifact on its way."""
    return PlannedFile(stem, form, content, preview, plugin)
