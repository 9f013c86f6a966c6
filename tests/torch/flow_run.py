"""Run of `tests/flows/torch_flow.py` in the venv with torch."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sandbox import FLOWS, Finished, Sandbox

__all__ = ["DATA", "RECORDED", "TorchRun", "run_flow", "run_with_torch"]

_REPOSITORY = Path(__file__).parents[2]
_TORCH_PYTHON = _REPOSITORY / ".venv-torch" / "bin" / "python"
DATA = _REPOSITORY / "tests" / "data" / "torch"
RECORDED = DATA / "recorded.json"
"""What Metaflow recorded of the pickles beside it: type, size and encoding by name."""


@dataclass(frozen=True)
class TorchRun:
    """A flow run, and the folder it is in."""

    root: Path
    pathspec: str

    @property
    def start(self) -> str:
        """The pathspec of the task that made it all."""
        [task] = (self._store / self.pathspec.split("/")[1] / "start").glob("[0-9]*")
        return f"{self.pathspec}/start/{task.name}"

    @property
    def recorded(self) -> dict[str, dict[str, Any]]:
        """What Metaflow recorded of each artifact of that task."""
        return dict(self._facts["info"])

    def sha1(self, name: str) -> str:
        """Return the sha1 of a pickle, as Metaflow recorded it."""
        return str(self._facts["objects"][name])

    def stored(self, name: str) -> bytes:
        """Return the pickle that Metaflow stored."""
        sha1 = self.sha1(name)
        return gzip.decompress((self._store / "data" / sha1[:2] / sha1).read_bytes())

    @property
    def _store(self) -> Path:
        return self.root / ".metaflow" / "TorchFlow"

    @property
    def _facts(self) -> dict[str, Any]:
        facts = self.root / ".metaflow" / self.start / "0.data.json"
        return dict(json.loads(facts.read_text(encoding="utf-8")))


def run_flow(root: Path) -> TorchRun:
    """Run the flow below a folder, with the Python that has torch."""
    run_with_torch(root, FLOWS / "torch_flow.py", "--quiet", "run")
    number = (root / ".metaflow" / "TorchFlow" / "latest_run").read_text(encoding="utf-8")
    return TorchRun(root, f"TorchFlow/{number}")


def run_with_torch(root: Path, *command: Path | str) -> Finished:
    """Run a Python program below a folder, where torch is; it must not fail.

    Bytecode is kept, for to compile torch takes longer than all else.
    """
    assert _TORCH_PYTHON.exists(), "there is no .venv-torch; say `make test-torch`"
    sandbox = Sandbox(root, without=("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"))
    done = sandbox.run(str(_TORCH_PYTHON), *map(str, command))
    assert done.code == 0, done.err
    return done
