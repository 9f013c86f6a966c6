"""What the end of a task leaves behind when its step raises."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .origin import OriginFile

__all__ = ["failed"]

_ARTIFACT = "_artifact_"
_TRACE = (
    'Traceback (most recent call last):\n  File "flow.py", line 1, in end\nValueError: {message}\n'
)
# Metaflow's own class, by name: importing it would set up all of Metaflow's client in this process.
_WRAPPER = b"\x80\x04cmetaflow.exception\nMetaflowExceptionWrapper\nN\x85R"
_COMPRESSION = 3  # Metaflow's


@dataclass(frozen=True)
class _Artifact:
    type: str
    pickled: bytes

    @property
    def sha(self) -> str:
        return hashlib.sha1(self.pickled, usedforsecurity=False).hexdigest()


def failed(files: Iterable[OriginFile], flow_folder: Path, message: str) -> list[OriginFile]:
    """Return the files as they are when the step raises; the exception is put into the datastore.

    Args:
        files: what tasks that were done well left behind.
        flow_folder: where flow runs and artifacts of the flow are.
        message: what the `ValueError` says.
    """
    reported = _artifacts_of(message)
    for artifact in reported.values():
        _save(flow_folder, artifact)
    return [_failed(file, reported) for file in files]


def _artifacts_of(message: str) -> dict[str, _Artifact]:
    """Return the artifacts by which Metaflow says that a task failed."""
    no = _Artifact("<class 'bool'>", pickle.dumps(False, protocol=4))  # noqa: FBT003 - it is the value
    state = {
        "exception": message,
        "type": "builtins.ValueError",
        "stacktrace": _TRACE.format(message=message),
    }
    opcodes = pickle.dumps(state, protocol=2)[2:-1]  # without header and STOP
    wrapped = _Artifact(
        "<class 'metaflow.exception.MetaflowExceptionWrapper'>", _WRAPPER + opcodes + b"b."
    )
    nothing = _Artifact("<class 'NoneType'>", pickle.dumps(None, protocol=4))
    return {"_exception": wrapped, "_success": no, "_task_ok": no, "_transition": nothing}


def _save(flow_folder: Path, artifact: _Artifact) -> None:
    """Put an artifact where Metaflow does."""
    path = flow_folder / "data" / artifact.sha[:2] / artifact.sha
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(artifact.pickled, compresslevel=_COMPRESSION))
    facts = {"cas_raw": False, "cas_version": 1}
    path.with_name(f"{path.name}_meta").write_text(json.dumps(facts), encoding="utf-8")


def _failed(file: OriginFile, said: dict[str, _Artifact]) -> OriginFile:
    if file.name.endswith(".data.json"):
        return replace(file, content=_failed_facts(json.loads(file.content), said))
    if file.name.endswith(".runtime"):
        state = {"return_code": 1, "killed": False, "success": False}
        return replace(file, content=json.dumps(state).encode())
    if "sysmeta_attempt_ok_" in file.name:
        return replace(file, content={**file.content, "value": "False"})
    if _ARTIFACT in file.name and file.content["name"] in said:
        sha = said[file.content["name"]].sha
        return replace(file, content={**file.content, "sha": sha})
    return file


def _failed_facts(facts: dict[str, Any], said: dict[str, _Artifact]) -> bytes:
    for name, artifact in said.items():
        facts["objects"][name] = artifact.sha
        facts["info"][name] |= {"size": len(artifact.pickled), "type": artifact.type}
    return json.dumps(facts).encode()
