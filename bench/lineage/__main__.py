"""Measure lineage: mfwb against `parent_tasks`, 400 tasks against 200, and 50 steps of source.

The flows are run by Metaflow the first time, into `build/bench-lineage/`, which takes some minutes.
Exit code: 0 all requirements are met, 1 one is missed, 2 the two don't find the same.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.workplaces import console_script, metaflow_environment

_HERE = Path(__file__).resolve().parent
_BUILD = _HERE.parent.parent / "build" / "bench-lineage"
_COUNTS = (100, 200)  # each item is two foreach tasks
_RUNS = 5
_RATIO = 10  # how many times as fast as `parent_tasks`
_ANALYSIS_LIMIT = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    baseline: float  # seconds
    mfwb: float  # seconds
    ratio: float
    required: str
    is_met: bool


def main() -> int:
    """Run the bench and return the exit code."""
    small, large = (_flow_run(count) for count in _COUNTS)
    metaflow, parents = _timed("metaflow", large, runs=1)
    ours, own_parents = _timed("mfwb", large)
    whole, half = (_command_seconds(flow_run) for flow_run in (large, small))
    read, _ = _timed("analysis", large)
    if parents != own_parents:
        print(f"bench: parent_tasks finds {parents} parents, mfwb {own_parents}", file=sys.stderr)
        return 2
    lines = [
        _line("400 tasks; parent_tasks", metaflow, ours, f"{_RATIO}x", _RATIO * ours <= metaflow),
        _line("mfwb lineage of 400; of 200", half, whole, "> 0.5x", whole < 2 * half),
        _line("source of 50 steps; limit", _ANALYSIS_LIMIT, read, "1x", read < _ANALYSIS_LIMIT),
    ]
    _print(lines)
    return int(not all(line.is_met for line in lines))


def _line(what: str, baseline: float, mfwb: float, required: str, is_met: bool) -> _Line:  # noqa: FBT001
    return _Line(what, baseline, mfwb, baseline / mfwb, required, is_met)


def _flow_run(count: int) -> str:
    """Return the pathspec of the flow run with that many items; it is made the first time."""
    note = _BUILD / f"id-{2 * count}"
    if not note.exists():
        environment = metaflow_environment(_BUILD)
        program = copy(_HERE / "flow.py", _BUILD)
        print(f"measuring: a flow run of {2 * count} tasks, made the first time", file=sys.stderr)
        making = note.with_suffix(".making")
        command = [sys.executable, program, "--quiet", "run", "--run-id-file", str(making)]
        command += ["--count", str(count), "--max-workers", "4", "--max-num-splits", "500"]
        subprocess.run(command, cwd=_BUILD, env=environment, check=True)
        making.rename(note)
    return f"FanFlow/{note.read_text(encoding='utf-8').strip()}"


def _timed(program: str, pathspec: str, runs: int = _RUNS) -> tuple[float, int]:
    """Return the median seconds of a program, and what it counted."""
    command = [sys.executable, "-m", "bench.lineage.programs", program, pathspec, f"local@{_BUILD}"]
    seconds, counts = [], set()
    for _ in range(runs):
        done = subprocess.run(
            command,
            cwd=_HERE.parent.parent,
            env=metaflow_environment(_BUILD),
            capture_output=True,
            text=True,
            check=True,
        )
        took, count = done.stdout.split()[-2:]
        seconds.append(float(took))
        counts.add(int(count))
    return median(seconds), counts.pop()


def _command_seconds(pathspec: str) -> float:
    """Return the median seconds of the whole command, as a person waits for it."""
    command = [console_script("mfwb"), "lineage", pathspec, "--metadata", f"local@{_BUILD}"]
    seconds = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        subprocess.run(
            command, env=metaflow_environment(_BUILD), stdout=subprocess.DEVNULL, check=True
        )
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def _print(lines: list[_Line]) -> None:
    table = Table(
        title="Lineage: snapshot and inference", box=box.SIMPLE_HEAD, title_justify="left"
    )
    for heading in ("", "baseline", "mfwb", "ratio", "required", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for line in lines:
        word = "ok" if line.is_met else "[bold red]missed[/]"
        times = (f"{line.baseline:.3f} s", f"{line.mfwb:.3f} s", f"{line.ratio:.1f}x")
        table.add_row(line.what, *times, line.required, word)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
