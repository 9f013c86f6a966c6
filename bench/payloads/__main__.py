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
from bench.places import Workplace, console_script, metaflow_environment

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
    place = Workplace.make(_BUILD, "floor")
    floors = [_program(place, "floor", str(blob), str(place.out / "blob")) for _ in range(_RUNS)]
    size = (place.out / "blob").stat().st_size
    (place.out / "blob").unlink()
    syncs = []
    for number in range(_RUNS):
        place, done = _sync(pathspec, f"weights-{number}")
        syncs.append(done)
        disk = disk_use(place.out).allocated
        shutil.rmtree(place.out)
    yield _seconds("1 GB offline; gunzip and md5", floors, syncs, 1.3)
    peak = max(one.tree_peak for one in syncs)
    yield _bytes("  peak memory", max(one.tree_peak for one in floors), peak, 250 * _MEGABYTE)
    yield _bytes("  disk; the artifact", size, disk, size * 1.05)


def _frame() -> Iterable[_Line]:
    _say("a frame of 1 GB")
    place = Workplace.make(_BUILD, "frame")
    pickle, parquet = str(place.out / "frame.pkl"), str(place.out / "frame.parquet")
    _program(place, "make", str(_GIGABYTE), pickle)
    alone = [_program(place, "pandas", pickle, parquet) for _ in range(_RUNS)]
    expected = Path(parquet).read_bytes()
    ours = []
    for _ in range(_RUNS):
        Path(parquet).unlink()
        ours.append(_program(place, "mfwb", pickle, parquet))
    if Path(parquet).read_bytes() != expected:
        raise SystemExit("bench: the parquet files differ")
    shutil.rmtree(place.out)
    yield _seconds("1 GB frame to parquet; pandas", alone, ours, 1.2)
    then, now = (max(one.tree_peak for one in some) for some in (alone, ours))
    yield _bytes("  peak memory", then, now, None)


def _siblings() -> Iterable[_Line]:
    _say("a frame of 100 MB that 300 tasks share")
    pathspec = _flow_run("SiblingsFlow", "siblings_flow.py", "--max-num-splits", "500")
    place = Workplace.make(_BUILD, "shared")
    pickle, parquet = str(place.out / "frame.pkl"), str(place.out / "frame.parquet")
    _program(place, "make", str(100 * _MEGABYTE), pickle)
    alone = [_program(place, "pandas", pickle, parquet)]
    shutil.rmtree(place.out)
    place, done = _sync(pathspec, "siblings")
    made = len(list((place.out / "bundle" / "payloads").rglob("*.parquet")))
    shutil.rmtree(place.out)
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
    place = Workplace.make(_BUILD, name)
    command = [console_script("mfwb"), "sync", pathspec, "--metadata", f"local@{_BUILD}"]
    command += ["--mode", "offline", "--dir", "bundle", "--entity", "bench", "--strict"]
    done = measure(command, cwd=place.out, environment=place.environment)
    if done.exit_code != 0:
        raise SystemExit(f"bench: {done.err}")
    return place, done


def _program(place: Workplace, *arguments: str) -> Measured:
    command = [sys.executable, "-m", "bench.payloads.programs", *arguments]
    environment = {**place.environment, "PYTHONPATH": str(_ROOT)}
    done = measure(command, cwd=place.out, environment=environment)
    if done.exit_code != 0:
        raise SystemExit(f"bench: {done.err}")
    return done


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _seconds(
    what: str, baseline: list[Measured], ours: list[Measured], most: float | None
) -> _Line:
    then, now = (median(one.seconds for one in some) for some in (baseline, ours))
    required = "" if most is None else f"<= {most}x"
    is_met = None if most is None else now <= most * then
    return _Line(what, f"{then:.2f} s", f"{now:.2f} s", now / then, required, is_met)


def _bytes(what: str, baseline: float, ours: float, most: float | None) -> _Line:
    required = "" if most is None else f"< {most / _MEGABYTE:,.0f} MB"
    is_met = None if most is None else ours < most
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
