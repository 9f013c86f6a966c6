"""Measure large artifacts: one of 1 GB, a frame of 1 GB, and one of 100 MB that 300 tasks share.

The flows are run by Metaflow the first time, into `build/bench-payloads/`, which takes some
minutes and 3 GB. Exit code: 0 all requirements are met, 1 one is missed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.measure import Measured, disk_use, measure
from bench.workplaces import Workplace, console_script, metaflow_environment

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
_BUILD = _ROOT / "build" / "bench-payloads"
_RUNS = 3
_GIGABYTE, _MEGABYTE = 10**9, 10**6


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    baseline: str
    mfwb: str
    ratio: float | None
    required: str
    is_met: bool | None


def main() -> int:
    """Run the bench and return the exit code."""
    _BUILD.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(_BUILD / "work", ignore_errors=True)
    lines = [*_weights(), *_frame(), *_siblings()]
    shutil.rmtree(_BUILD / "work")
    _print(lines)
    return int(any(line.is_met is False for line in lines))


def _weights() -> Iterable[_Line]:
    _say("an artifact of 1 GB")
    pathspec = _flow_run("WeightsFlow", "weights_flow.py")
    blob = max((_BUILD / ".metaflow" / "WeightsFlow" / "data").rglob("*"), key=_size)
    workplace = Workplace.make(_BUILD, "floor")
    floors = [
        _program(workplace, "floor", str(blob), str(workplace.out / "blob")) for _ in range(_RUNS)
    ]
    size = (workplace.out / "blob").stat().st_size
    (workplace.out / "blob").unlink()
    syncs = []
    for number in range(_RUNS):
        workplace, done = _sync(pathspec, f"weights-{number}")
        syncs.append(done)
        disk = disk_use(workplace.out).allocated
        shutil.rmtree(workplace.out)
    yield _seconds("1 GB offline; gunzip and md5", floors, syncs, 1.3)
    peak = max(sync.tree_peak for sync in syncs)
    yield _bytes("  peak memory", max(floor.tree_peak for floor in floors), peak, 250 * _MEGABYTE)
    yield _bytes("  disk; the artifact", size, disk, size * 1.05)


def _frame() -> Iterable[_Line]:
    _say("a frame of 1 GB")
    workplace = Workplace.make(_BUILD, "frame")
    pickle, parquet = str(workplace.out / "frame.pkl"), str(workplace.out / "frame.parquet")
    _program(workplace, "make", str(_GIGABYTE), pickle)
    alone = [_program(workplace, "pandas", pickle, parquet) for _ in range(_RUNS)]
    expected = Path(parquet).read_bytes()
    ours = []
    for _ in range(_RUNS):
        Path(parquet).unlink()
        ours.append(_program(workplace, "mfwb", pickle, parquet))
    if Path(parquet).read_bytes() != expected:
        raise SystemExit("bench: the parquet files differ")
    shutil.rmtree(workplace.out)
    yield _seconds("1 GB frame to parquet; pandas", alone, ours, 1.2)
    then, now = (max(measured.tree_peak for measured in some) for some in (alone, ours))
    yield _bytes("  peak memory", then, now, None)


def _siblings() -> Iterable[_Line]:
    _say("a frame of 100 MB that 300 tasks share")
    pathspec = _flow_run("SiblingsFlow", "siblings_flow.py", "--max-num-splits", "500")
    workplace = Workplace.make(_BUILD, "shared")
    pickle, parquet = str(workplace.out / "frame.pkl"), str(workplace.out / "frame.parquet")
    _program(workplace, "make", str(100 * _MEGABYTE), pickle)
    alone = [_program(workplace, "pandas", pickle, parquet)]
    shutil.rmtree(workplace.out)
    workplace, done = _sync(pathspec, "siblings")
    made = len(list((workplace.out / "bundle" / "payloads").rglob("*.parquet")))
    shutil.rmtree(workplace.out)
    yield _seconds("300 x 100 MB; pandas, once", alone, [done], None)
    yield _Line("  parquet files made", "1", str(made), None, "1", made == 1)


def _flow_run(flow: str, script: str, *more: str) -> str:
    """Return the pathspec of a flow run; it is made the first time."""
    note = _BUILD / f"id-{flow}"
    if not note.exists():
        program = copy(_HERE / script, _BUILD)
        making = note.with_suffix(".making")
        command = [sys.executable, program, "--quiet", "run", "--run-id-file", str(making), *more]
        subprocess.run(command, cwd=_BUILD, env=metaflow_environment(_BUILD), check=True)
        making.rename(note)
    return f"{flow}/{note.read_text(encoding='utf-8').strip()}"


def _sync(pathspec: str, name: str) -> tuple[Workplace, Measured]:
    workplace = Workplace.make(_BUILD, name)
    command = [console_script("mfwb"), "sync", pathspec, "--metadata", f"local@{_BUILD}"]
    command += ["--mode", "offline", "--dir", "bundle", "--entity", "bench", "--strict"]
    done = measure(command, cwd=workplace.out, environment=workplace.environment)
    if done.exit_code != 0:
        raise SystemExit(f"bench: {done.err}")
    return workplace, done


def _program(workplace: Workplace, *arguments: str) -> Measured:
    command = [sys.executable, "-m", "bench.payloads.programs", *arguments]
    environment = {**workplace.environment, "PYTHONPATH": str(_ROOT)}
    done = measure(command, cwd=workplace.out, environment=environment)
    if done.exit_code != 0:
        raise SystemExit(f"bench: {done.err}")
    return done


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _seconds(
    what: str, baseline: list[Measured], ours: list[Measured], max_ratio: float | None
) -> _Line:
    then, now = (median(measured.seconds for measured in some) for some in (baseline, ours))
    required = "" if max_ratio is None else f"<= {max_ratio}x"
    is_met = None if max_ratio is None else now <= max_ratio * then
    return _Line(what, f"{then:.2f} s", f"{now:.2f} s", now / then, required, is_met)


def _bytes(what: str, baseline: float, ours: float, limit: float | None) -> _Line:
    required = "" if limit is None else f"< {limit / _MEGABYTE:,.0f} MB"
    is_met = None if limit is None else ours < limit
    then, now = (f"{number / _MEGABYTE:,.0f} MB" for number in (baseline, ours))
    return _Line(what, then, now, ours / baseline, required, is_met)


def _print(lines: list[_Line]) -> None:
    table = Table(title="Large artifacts", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("", "baseline", "mfwb", "mfwb / baseline", "required", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for line in lines:
        word = {True: "ok", False: "[bold red]missed[/]", None: ""}[line.is_met]
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
        table.add_row(line.what, line.baseline, line.mfwb, ratio, line.required, word)
    Console().print(table)


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
