"""The files of a flow run, each of which can be said anew for another id and another time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["Move", "MovedFile", "Origin", "OriginFile"]

_STAMP = re.compile(r"(?<=_)\d{13}(?=\.json$)")  # in the names of metadata records, ms
_LOG_TIME = re.compile(r"(?<=\|)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?=Z\|)")
_LOG_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


@dataclass(frozen=True)
class Move:
    """From one id and time to another."""

    origin_id: str
    run_id: str
    later_us: int  # microseconds; less than 0 is earlier
    tags: tuple[str, ...]

    @property
    def later_ms(self) -> int:
        """The same in milliseconds, of which records are made."""
        return self.later_us // 1000


@dataclass(frozen=True)
class MovedFile:
    """A file to be written."""

    path: str  # below the folder of the flow run
    content: bytes
    changed_at_ns: int


@dataclass(frozen=True)
class OriginFile:
    """A file of the origin."""

    path: str  # below the folder of the flow run
    content: Any  # of a record of the metadata, what it says; else the bytes
    changed_at_ns: int

    @property
    def task(self) -> str | None:
        """Step and task that it belongs to, as `end/2`."""
        step, task, *rest = self.path.split("/")
        return f"{step}/{task}" if rest and task != "_meta" else None

    @cached_property
    def name(self) -> str:
        """Its name alone."""
        return self.path.rpartition("/")[2]

    def moved(self, move: Move) -> MovedFile:
        """Return the file of a copy."""
        path = _STAMP.sub(lambda result: str(int(result[0]) + move.later_ms), self.path)
        changed_at_ns = self.changed_at_ns + move.later_us * 1000
        return MovedFile(path, self._moved_content(move), changed_at_ns)

    def _moved_content(self, move: Move) -> bytes:
        if isinstance(self.content, dict):
            return self._moved_record(self.content, move)
        result: bytes = self.content
        if self.name.endswith(".log"):
            return _moved_log(result, move)
        if self.name.endswith(".attempt.json"):
            return json.dumps({"time": json.loads(result)["time"] + move.later_us / 1e6}).encode()
        return result

    def _moved_record(self, record: dict[str, Any], move: Move) -> bytes:
        then = record["ts_epoch"]
        moved = self._text.replace(_said("ts_epoch", then), _said("ts_epoch", then + move.later_ms))
        if "system_tags" in record:  # else its tags are not those of the flow run
            moved = moved.replace(_said("tags", record["tags"]), _said("tags", list(move.tags)))
        return moved.replace(move.origin_id, move.run_id).encode()

    @cached_property
    def _text(self) -> str:
        """The record as it is written; to put it together anew for each copy would take longer."""
        return json.dumps(self.content)


@dataclass(frozen=True)
class Origin:
    """A flow run that Metaflow ran to its end."""

    flow_folder: Path
    run_id: str
    files: tuple[OriginFile, ...]

    @classmethod
    def read(cls, root: Path, pathspec: str) -> Origin:
        """Read all files of a local flow run; `root` is the folder that holds `.metaflow`."""
        flow, _, run_id = pathspec.partition("/")
        flow_folder = root / ".metaflow" / flow
        folder = flow_folder / run_id
        files = (_read(folder, path) for path in sorted(folder.rglob("*")) if path.is_file())
        return cls(flow_folder, run_id, tuple(files))

    @cached_property
    def folders(self) -> list[str]:
        """The folders that the files are in, parents first."""
        result = {str(parent) for file in self.files for parent in Path(file.path).parents}
        return sorted(result)

    @property
    def ended_at_ms(self) -> int:
        """When the last task was done."""
        times = (file.content["ts_epoch"] for file in self.files if "_attempt-done_" in file.name)
        return int(max(times))

    @property
    def end_step(self) -> str:
        """The name of the last step."""
        [name] = [file.content["value"] for file in self.files if "_end_step_" in file.name]
        return str(name)


def _read(folder: Path, path: Path) -> OriginFile:
    content = path.read_bytes()
    is_record = path.parent.name == "_meta" and path.suffix == ".json"
    return OriginFile(
        path=path.relative_to(folder).as_posix(),
        content=json.loads(content) if is_record else content,
        changed_at_ns=path.stat().st_mtime_ns,
    )


def _said(name: str, value: Any) -> str:
    return f'"{name}": {json.dumps(value)}'


def _moved_log(lines: bytes, move: Move) -> bytes:
    later = timedelta(microseconds=move.later_us)

    def moved(found: re.Match[str]) -> str:
        return (datetime.strptime(found[0], _LOG_FORMAT) + later).strftime(_LOG_FORMAT)  # noqa: DTZ007 - UTC, as the Z behind it says

    return _LOG_TIME.sub(moved, lines.decode()).replace(move.origin_id, move.run_id).encode()
