"""Runs of `tests/flows/checkpoint_flow.py`: in the venv with metaflow-checkpoint, and recorded."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    return CheckpointRun(root, f"CheckpointFlow/{number}")
