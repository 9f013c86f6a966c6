"""Measure syncs as cron calls them: mostly nothing is new; W&B is far; flow runs are many.

Everything is made anew in `build/bench-cron/`, which takes some minutes: flow runs are copies of
one that Metaflow ran, and W&B is the tests' stand-in, in a process of its own.
Exit code: 0 all requirements are met, 1 one is missed, 2 a sync did not do its work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.cron.flow_runs import BUILD, add_synced, many, masses, ten_steps, three_new
from bench.cron.stand_in import StandIn
from bench.cron.syncs import Sync, SyncFolder, WrongOutcomeError

_RUNS = 3
_FEW, _MANY, _MASSES, _ALL = 100, 1_000, 10_000, 100_000  # flow runs
_EVER = ("--since", "3650d")
_SECONDS, _SECONDS_MASSES = 1.2, 2.5
_BYTES_A_FLOW_RUN = 6_000  # of memory; its line of JSON has 2,750
_GROWTH = 1.1  # of memory, from few flow runs to many
_FLOW_RUNS_A_REQUEST = 50
_PARALLEL, _RATIO = 20, 8  # flow runs; times as fast as one W&B run after the other
_LATENCY = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    measured: str
    required: str
    is_met: bool


def main() -> int:
    """Run the bench and return the exit code."""
    wanted = _arguments()
    shutil.rmtree(BUILD, ignore_errors=True)
    lines: list[_Line] = []
    try:
        with StandIn() as stand_in:
            for name in wanted:
                lines += _BENCHES[name](stand_in)
    except WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD)  # of a failure, it is worth a look
    _print(lines)
    return int(not all(line.is_met for line in lines))


def _arguments() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m bench.cron", description=__doc__)
    parser.add_argument("--only", choices=_BENCHES, action="append", help="may be repeated  [all]")
    return parser.parse_args().only or list(_BENCHES)


def _nothing_new(stand_in: StandIn) -> list[_Line]:
    """Sync 1,000 flow runs of which all are synced: with the ledger, and without."""
    few, _ = _again(stand_in, _FEW)
    with_ledger, sync_folder = _again(stand_in, _MANY)
    _say(f"{_MANY} flow runs, nothing new, and no ledger")
    lost = SyncFolder.make("no-ledger", stand_in, sync_folder.sample)
    without = lost.sync(*_EVER, project=_project(_MANY), expected={"unchanged": _MANY})
    seconds = median(sync.measured.seconds for sync in with_ledger)
    cpu = median(sync.measured.cpu for sync in with_ledger)
    peak, small_peak = (
        median(sync.measured.main_peak for sync in syncs) for syncs in (with_ledger, few)
    )
    limit = _MANY // _FLOW_RUNS_A_REQUEST
    return [
        _Line(
            f"{_MANY} flow runs, nothing new",
            f"{seconds:.2f} s",
            f"<= {_SECONDS:g} s",
            seconds <= _SECONDS,
        ),
        _Line("  of all cores", f"{cpu:.2f} s", "", is_met=True),
        _Line("  requests", str(with_ledger[-1].requests), "", is_met=True),
        _Line(
            f"  peak memory; {peak / small_peak:.2f}x that of {_FEW}",
            f"{peak / 1e6:.0f} MB",
            f"<= {_GROWTH:g}x",
            peak <= _GROWTH * small_peak,
        ),
        _Line("  without the ledger", f"{without.measured.seconds:.2f} s", "", is_met=True),
        _Line("  requests", str(without.requests), f"<= {limit}", without.requests <= limit),
    ]


def _again(stand_in: StandIn, count: int) -> tuple[list[Sync], SyncFolder]:
    """Sync flow runs, then some times more when all are synced; return these, and where."""
    _say(f"{count} flow runs are made, and synced for the first time")
    sync_folder = SyncFolder.make(f"again-{count}", stand_in, many(count))
    project = _project(count)
    sync_folder.sync(*_EVER, project=project, expected={"synced": count})
    _say(f"{count} flow runs, nothing new")
    expected = {"unchanged": count}
    return [
        sync_folder.sync(*_EVER, project=project, expected=expected) for _ in range(_RUNS)
    ], sync_folder


def _masses(stand_in: StandIn) -> list[_Line]:
    """Sync 10,000 flow runs, and 100,000, of which all are synced."""
    small = _synced_masses(stand_in, _FEW)
    lines = []
    for count in (_MASSES, _ALL):
        done = _synced_masses(stand_in, count)
        seconds, peak = done.measured.seconds, done.measured.main_peak
        each = (peak - small.measured.main_peak) / (count - _FEW)
        limit = _SECONDS_MASSES if count == _MASSES else None
        lines += [
            _Line(
                f"{count} flow runs, nothing new",
                f"{seconds:.2f} s",
                "" if limit is None else f"<= {limit:g} s",
                limit is None or seconds <= limit,
            ),
            _Line("  of all cores", f"{done.measured.cpu:.2f} s", "", is_met=True),
            _Line("  requests", str(done.requests), "0", not done.requests),
            _Line(
                f"  memory for each flow run; peak {peak / 1e6:.0f} MB",
                f"{each:.0f} bytes",
                f"<= {_BYTES_A_FLOW_RUN}",
                each <= _BYTES_A_FLOW_RUN,
            ),
        ]
    return lines


def _synced_masses(stand_in: StandIn, count: int) -> Sync:
    """Sync flow runs of which all are synced; of several calls, return the median by time."""
    _say(f"{count} flow runs, of which all were synced")
    sample = masses(count)
    sync_folder = SyncFolder.make(f"masses-{count}", stand_in, sample)
    project = f"masses-{count}"
    sync_folder.sync(*_EVER, project=project, expected={"synced": 1})
    add_synced(sample, sync_folder.ledger, count)
    expected = {"unchanged": count}
    calls = [sync_folder.sync(*_EVER, project=project, expected=expected) for _ in range(_RUNS)]
    return sorted(calls, key=lambda call: call.measured.seconds)[_RUNS // 2]


def _slow_server(stand_in: StandIn) -> list[_Line]:
    """Sync flow runs to a W&B that takes its time: all at once, and one W&B run after the other."""
    sample = ten_steps(_PARALLEL)
    expected = {"synced": _PARALLEL}
    stand_in.wait_with_each_request(_LATENCY)
    seconds = []
    for name, arguments in (("parallel", ()), ("serial", ("--workers", "1"))):
        _say(f"{_PARALLEL} flow runs of ten steps, {_LATENCY * 1000:.0f} ms a request, {name}")
        sync_folder = SyncFolder.make(name, stand_in, sample)
        done = sync_folder.sync(*sample.pathspecs, *arguments, project=name, expected=expected)
        seconds.append(done.measured.seconds)
    stand_in.wait_with_each_request(0)
    parallel, serial = seconds
    return [
        _Line(
            f"{_PARALLEL} flow runs of ten steps, {_LATENCY * 1000:.0f} ms a request",
            f"{parallel:.1f} s",
            "",
            is_met=True,
        ),
        _Line(
            f"  one W&B run after the other takes {serial:.1f} s",
            f"{serial / parallel:.1f}x",
            f">= {_RATIO}x",
            serial >= _RATIO * parallel,
        ),
    ]


def _few_of_masses(stand_in: StandIn) -> list[_Line]:
    """Sync the flow runs of today, 3 of 10,000."""
    _say(f"{_MASSES} flow runs, of which three are of today")
    sync_folder = SyncFolder.make("masses", stand_in, three_new(_MASSES))
    done, looked_into = sync_folder.looked_into(
        "--since", "24h", project="masses", expected={"synced": 3}
    )
    new = sorted(pathspec.partition("/")[2] for pathspec in sync_folder.sample.pathspecs)
    return [
        _Line(f"{_MASSES} flow runs, 3 new", f"{done.measured.seconds:.2f} s", "", is_met=True),
        _Line("  looked into", f"{len(looked_into)}", "the 3", looked_into == new),
    ]


_BENCHES: dict[str, Callable[[StandIn], list[_Line]]] = {
    "nothing-new": _nothing_new,
    "masses": _masses,
    "far-away": _slow_server,
    "few-of-masses": _few_of_masses,
}


def _project(count: int) -> str:
    return f"again-{count}"


def _print(lines: list[_Line]) -> None:
    table = Table(title="Syncs as cron calls them", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("", "mfwb", "required", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for line in lines:
        word = "" if not line.required else "ok" if line.is_met else "[bold red]missed[/]"
        table.add_row(line.what, line.measured, line.required, word)
    Console().print(table)


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
