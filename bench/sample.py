"""The flow run that all programs replay: made once by Metaflow, kept in the build folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.workplaces import metaflow_environment

__all__ = ["COUNT", "flow_run"]

COUNT = 300
"""Foreach tasks of the flow."""

_FLOW = Path(__file__).resolve().parent / "flow.py"


def flow_run(build: Path, *, fresh: bool, count: int = COUNT) -> str:
    """Return the pathspec of the flow run; the flow is run if it has not been, or has changed.

    Args:
        build: the folder that keeps it, of one count.
        fresh: whether to run the flow in any case.
        count: foreach tasks.
    """
    note = build / f"flow-{hashlib.sha256(_FLOW.read_bytes()).hexdigest()[:12]}"
    if fresh or not note.exists():
        shutil.rmtree(build, ignore_errors=True)
        note.write_text(f"BenchFlow/{_run_flow(build, count)}", encoding="utf-8")
    return note.read_text(encoding="utf-8")


def _run_flow(build: Path, count: int) -> str:
    """Run the flow with Metaflow and return the id of the flow run."""
    environment = metaflow_environment(build)
    program = shutil.copy(_FLOW, build)  # each task reads it anew; who edits it meanwhile, may
    id_file = build / "run-id"
    command = [sys.executable, str(program), "--quiet", "run", "--run-id-file", str(id_file)]
    command += ["--count", str(count), "--max-workers", "4", "--max-num-splits", str(count)]
    with (build / "flow.log").open("wb") as log:
        done = subprocess.run(
            command,
            cwd=build,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"bench: the flow failed; see {build / 'flow.log'}")
    return id_file.read_text(encoding="utf-8").strip()
