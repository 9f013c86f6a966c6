"""Runs of `tests/flows/checkpoint_flow.py`: in the venv with metaflow-checkpoint, and recorded."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sandbox import FLOWS, Sandbox

__all__ = ["ARCHIVE", "FILES", "CheckpointRun", "extract_flow_run", "run_flow"]

_REPOSITORY = Path(__file__).parents[2]
_PYTHON = _REPOSITORY / ".venv-checkpoints" / "bin" / "python"
ARCHIVE = _REPOSITORY / "tests" / "data" / "checkpoint_flow_run.tar.xz"
"""A flow run with metaflow-checkpoint 0.2.14, recorded by `make checkpoint-data`."""


def _folder(epoch: int) -> dict[str, bytes]:
    return {
        "state/optimizer.txt": f"epoch {epoch}".encode(),
        "weights.bin": bytes([epoch]) * 300,
    }


FILES: Mapping[str, Mapping[str, bytes]] = {
    "last": _folder(2),
    "packed": _folder(7),
    "net": {"weights.bin": bytes([8]) * 300},
    "net_folder": _folder(9),
    "candidate": {"0/rate.txt": b"0.5", "1/rate.txt": b"0.25"},
    "chosen": {"rate.txt": b"0.25"},
}
"""The files that the flow saved, by the artifact that refers to them."""


@dataclass(frozen=True)
class CheckpointRun:
    """A flow run, and the folder it is in."""

    root: Path
    pathspec: str


def run_flow(root: Path, known: Mapping[str, str], *options: str) -> CheckpointRun:
    """Run the flow below a folder, with the Python that has metaflow-checkpoint."""
    assert _PYTHON.exists(), "there is no .venv-checkpoints; say `make test-checkpoints`"
    done = Sandbox(root, known, patience=900).run(
        str(_PYTHON), str(FLOWS / "checkpoint_flow.py"), "--no-pylint", "--quiet", *options, "run"
    )
    assert done.code == 0, done.err
    number = (root / ".metaflow" / "CheckpointFlow" / "latest_run").read_text(encoding="utf-8")
    return CheckpointRun(root, f"CheckpointFlow/{number}")


def extract_flow_run(root: Path) -> CheckpointRun:
    """Write the recorded flow run below a folder."""
    number = ""
    with tarfile.open(ARCHIVE) as archive:
        for entry in archive:
            content = archive.extractfile(entry) or io.BytesIO()
            path = root / entry.name.partition("/")[2]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read().replace(b"@ROOT@", str(root).encode()))
            if path.match(".metaflow/CheckpointFlow/*/_meta/_self.json"):
                number = path.parts[-3]
    _move_script(root, began=int(number) / 1e6)
    return CheckpointRun(root, f"CheckpointFlow/{number}")


def _move_script(root: Path, *, began: float) -> None:
    """Have the flow run's script below the folder, older than the flow run, wherever it was.

    The archive was recorded elsewhere, and a script that was written later is not read.
    """
    script = root / "checkpoint_flow.py"
    shutil.copyfile(FLOWS / script.name, script)
    os.utime(script, (began - 60, began - 60))
    flow = root / ".metaflow" / "CheckpointFlow"
    [parameters] = flow.glob("*/_parameters/0/0.data.json")
    recorded = json.loads(parameters.read_bytes())["objects"]["_graph_info"]
    graph = pickle.loads(gzip.decompress((flow / "data" / recorded[:2] / recorded).read_bytes()))
    content = pickle.dumps(_with_script(graph, str(script)))
    moved = hashlib.sha1(content).hexdigest()  # noqa: S324 - as Metaflow names contents
    (flow / "data" / moved[:2]).mkdir(exist_ok=True)
    (flow / "data" / moved[:2] / moved).write_bytes(gzip.compress(content))
    for record in flow.glob("*/*/*/*.data.json"):
        text = record.read_text(encoding="utf-8")
        record.write_text(text.replace(recorded, moved), encoding="utf-8")


def _with_script(value: Any, script: str) -> Any:
    """Return a value of plain types in which each path of the flow's script is another one."""
    if isinstance(value, dict):
        return {key: _with_script(part, script) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_script(part, script) for part in value)
    if isinstance(value, str) and value.endswith("/checkpoint_flow.py"):
        return script
    return value
