"""Measure `mfwb sync` offline by the number of tasks: processor, memory, opened files.

    python -m bench.scale --tasks 300 3000 5000

The first call runs the bench flow with Metaflow (eight tasks) and copies it with more tasks. The
script without mfwb is measured with 300 tasks and multiplied: it has no other part.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from bench.measure import Measured, disk_use, measure
from bench.replays import replay_by_script
from bench.sample import COUNT
from bench.workplaces import SCALE, Workplace, console_script

_TASKS = (300, 3_000, 5_000)
_MEGABYTE = 1_000_000
_TIMES = 5
"""A short sync is measured so often, and the median counts: each start is a bit different."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sync."""

    tasks: int
    granularity: str
    seconds: float
    cpu: float  # seconds
    main_peak: int  # bytes
    tree_peak: int  # bytes
    written: int  # bytes
    floor: float  # seconds of processor to read and write these bytes, without anything else


def main() -> int:
    """Measure and print a line for each sync, and what a further task takes."""
    arguments = _arguments()
    script = replay_by_script(SCALE, _pathspec(COUNT)).measured if arguments.script else None
    if script is not None:
        print(
            f"the script: {script.seconds:.1f} s, {script.cpu:.2f} s of processor for {COUNT} tasks"
        )
    floor = _import_seconds()
    print(f"floor: {floor:.2f} s of processor for the imports; load average {_load():.1f}")
    points: list[Point] = []
    for granularity in arguments.granularity:
        for tasks in arguments.tasks:
            times = _TIMES if tasks <= COUNT else 1
            measured = [_sync(_pathspec(tasks), tasks, granularity) for _ in range(times)]
            point = sorted(measured, key=lambda item: item.cpu)[times // 2]
            points.append(point)
            print(_line(point, script), flush=True)
        print(_marginal([point for point in points if point.granularity == granularity]))
    if arguments.json is not None:
        document = [asdict(point) for point in points]
        arguments.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    # Only now: after deletions, ext4 searches longer for free inodes, for a minute and more.
    shutil.rmtree(SCALE / "work")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=_TASKS)
    parser.add_argument("--granularity", nargs="+", default=("step", "task"))
    parser.add_argument("--script", action="store_true", help="measure the script as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _pathspec(tasks: int) -> str:
    """Return the flow run; it is made by a process of its own, so that this one stays small."""
    program = f"from bench.scale.flow_runs import wide_flow_run as w; print(w({tasks}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def _sync(pathspec: str, tasks: int, granularity: str) -> Point:
    workplace = _workplace(f"scale-{granularity}-{tasks}")
    command = [console_script("mfwb"), "sync", pathspec, "--mode", "offline", "--dir", "bundle"]
    command += ["--entity", "bench", "--granularity", granularity, "--json"]
    measured = measure(command, cwd=workplace.out, environment=workplace.environment)
    if measured.exit_code != 0:
        raise SystemExit(f"bench: mfwb failed: {measured.err}")
    written = disk_use(workplace.root).apparent
    floor = _bytes_floor(pathspec, workplace)
    return Point(
        tasks,
        granularity,
        measured.seconds,
        measured.cpu,
        measured.main_peak,
        measured.tree_peak,
        written,
        floor,
    )


def _bytes_floor(pathspec: str, workplace: Workplace) -> float:
    """Return what the bytes alone take, in seconds of processor."""
    program = [sys.executable, "-m", "bench.scale.bytes_floor", str(SCALE / ".metaflow"), pathspec]
    command = [*program, str(workplace.out / "bundle"), str(workplace.out / "copy")]
    environment = {**workplace.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    measured = measure(command, cwd=workplace.out, environment=environment)
    if measured.exit_code != 0:
        raise SystemExit(f"bench: the floor failed: {measured.err}")
    return measured.cpu


def _import_seconds() -> float:
    command = [sys.executable, "-c", "import metaflow, mfwb.api, mfwb.wiring"]
    workplace = _workplace("scale-imports")
    return measure(command, cwd=workplace.out, environment=workplace.environment).cpu


def _load() -> float:
    return os.getloadavg()[0]


def _line(point: Point, script: Measured | None) -> str:
    times = ""
    if script is not None:
        more = point.tasks / COUNT
        times = (
            f"; the script takes {script.cpu * more / point.cpu:.1f}x the processor, "
            f"{script.seconds * more / point.seconds:.1f}x the time"
        )
    return (
        f"{point.tasks:>6} tasks per {point.granularity}: {point.seconds:7.1f} s, "
        f"{point.cpu:7.2f} s of processor (its bytes: {point.floor:.2f} s), "
        f"{point.main_peak / _MEGABYTE:5.0f} MB "
        f"({point.tree_peak / _MEGABYTE:5.0f} MB with children), "
        f"{point.written / _MEGABYTE:6.1f} MB written, load average {_load():.1f}{times}"
    )


def _marginal(points: list[Point]) -> str:
    """Return what a further task takes, between the smallest and the largest flow run."""
    first, last = points[0], points[-1]
    more = last.tasks - first.tasks
    if not more:
        return ""
    milliseconds = (last.cpu - first.cpu) * 1000 / more
    floor = (last.floor - first.floor) * 1000 / more
    kilobytes = (last.main_peak - first.main_peak) / 1000 / more
    return (
        f"       a further task: {milliseconds:.2f} ms of processor (its bytes: {floor:.2f} ms), "
        f"{kilobytes:.1f} kB of memory"
    )


def _workplace(name: str) -> Workplace:
    return Workplace.make(SCALE, f"{name}-{next(_NUMBERS)}")


_NUMBERS = count()


if __name__ == "__main__":
    sys.exit(main())
