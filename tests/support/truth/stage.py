"""Where flows are run with the recorder in their tasks; each shape once, whoever asks for it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sandbox import FLOWS, Sandbox
from tests.support.truth.answers import Asked, parse
from tests.support.truth.comparison import Comparison, compare
from tests.support.truth.expected import follow
from tests.support.truth.records import read_records

__all__ = ["Played", "Stage"]

_REPOSITORY = Path(__file__).parents[3]
_PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Played:
    """A shape that was run."""

    flow_runs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Stage:
    """A folder for flow runs and their records, and mfwb to be asked about them."""

    root: Path
    mfwb: Asked

    @classmethod
    @contextmanager
    def open(cls, root: Path) -> Iterator[Stage]:
        """Yield a stage in a folder, which is made."""
        root.mkdir(parents=True, exist_ok=True)
        with Asked(root) as mfwb:
            yield cls(root, mfwb)

    @property
    def records(self) -> Path:
        """Where the tasks put theirs."""
        return self.root / "truth"

    def play(self, name: str, act: Callable[[Stage], list[str]]) -> Played:
        """Run a shape, unless that was done before; others who want it wait."""

        def run() -> dict[str, Any]:
            began = time.monotonic()
            flow_runs = act(self)
            return {"flow_runs": flow_runs, "seconds": time.monotonic() - began}

        done = self._once(name, run)
        return Played(tuple(done["flow_runs"]), done["seconds"])

    def compare(self, flow_run: str) -> Comparison:
        """Ask mfwb about a flow run, once, and hold its answer against the truth."""
        document = self._once(flow_run.replace("/", "."), lambda: self.mfwb.about(flow_run))
        return compare(parse(document), follow(read_records(self.records, flow_run)))

    def flow(
        self,
        file: str | Path,
        *arguments: str,
        fails: bool = False,
        watch: bool = True,
        **env: str,
    ) -> str:
        """Run a flow to its end and return its pathspec.

        Args:
            file: of tests/flows/shapes, without the ending; or a path.
            *arguments: for Metaflow; none: `run`.
            fails: whether it must fail; otherwise it must not.
            watch: whether its tasks record what they do.
            **env: for the flow.
        """
        path = file if isinstance(file, Path) else FLOWS / "shapes" / f"{file}.py"
        run_id = self.root / f"{path.stem}.{time.monotonic_ns()}.id"
        arguments = (*(arguments or ("run",)), "--run-id-file", str(run_id), "--max-workers", "2")
        sandbox = self._watched if watch else Sandbox(self.root)
        finished = sandbox.script(path, "--quiet", *arguments, **env)
        assert (finished.code != 0) is fails, f"{finished.out}\n{finished.err}"
        return f"{_class_name(path)}/{run_id.read_text(encoding='utf-8')}"

    def killed_flow(self, file: str, until: Callable[[list[dict[str, Any]]], bool]) -> str:
        """Run a flow and kill it, all its processes, as soon as the records say so."""
        path = FLOWS / "shapes" / f"{file}.py"
        run_id = self.root / f"{file}.id"
        command = (sys.executable, str(path), "--quiet", "run", "--run-id-file", str(run_id))
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self._watched.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            try:
                deadline = time.monotonic() + _PATIENCE
                while not until(self._facts(_class_name(path))):
                    assert running.poll() is None, "it ended before it could be killed"
                    assert time.monotonic() < deadline, "it never came that far"
                    time.sleep(0.05)
            finally:
                os.killpg(running.pid, signal.SIGKILL)
        return f"{_class_name(path)}/{run_id.read_text(encoding='utf-8')}"

    @property
    def _watched(self) -> Sandbox:
        """Where flows run: their tasks record what they do."""
        (self.root / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
        hook = Path(__file__).parent / "hook"
        python = Path(
            sys.executable
        ).parent  # Metaflow starts the workers of `num_parallel` by name
        extra = {
            "PATH": os.pathsep.join([str(python), os.environ.get("PATH", "")]),
            "MFWB_TRUTH_DIR": str(self.records),
            "PYTHONPATH": os.pathsep.join([str(hook), str(_REPOSITORY)]),
        }
        return Sandbox(self.root, extra)

    def _facts(self, flow: str) -> list[dict[str, Any]]:
        files = self.records.glob(f"{flow}.*.json")
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def _once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a document that is made once, by whichever process comes first."""
        file = self.root / f"{name}.json"
        with _alone(self.root / f"{name}.lock"):
            if not file.exists():
                file.write_text(json.dumps(make()), encoding="utf-8")
        return dict(json.loads(file.read_text(encoding="utf-8")))


def _class_name(path: Path) -> str:
    return "".join(word.capitalize() for word in path.stem.split("_"))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time in; the others wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
