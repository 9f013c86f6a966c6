"""A small flow, run once by Metaflow, of which a bench makes copies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.workplaces import metaflow_environment

__all__ = ["run_small_flow"]


def run_small_flow(flow: Path, root: Path) -> str:
    """Run a flow in a folder, and return the pathspec of its flow run; SystemExit if it failed.

    Args:
        flow: its file, whose name is that of the class with underscores: `ten_flow.py`.
        root: the folder, which becomes the root of its datastore, too.
    """
    program = shutil.copy(flow, root)
    command = [sys.executable, str(program), "--quiet", "run", "--run-id-file", "run-id"]
    done = subprocess.run(
        command,
        cwd=root,
        env=metaflow_environment(root),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"bench: the flow failed\n{done.stdout}{done.stderr}")
    name = "".join(word.capitalize() for word in flow.stem.split("_"))
    return f"{name}/{(root / 'run-id').read_text(encoding='utf-8')}"
