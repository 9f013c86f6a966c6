"""Measure syncs as cron calls them: mostly nothing is new; W&B is far; flow runs are many.

It works in `build/bench-cron/`: flow runs are copies of one that Metaflow ran, and W&B is the
tests' stand-in, in a process of its own. `masses-N` stays there for the next call, so that
`--only nothing-new` takes half a minute.
Exit code: 0 all requirements are met, 1 one is missed, 2 a sync did not do its work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from bench.cron.flow_runs import BUILD, add_synced, many, masses, ten_steps, three_new
from bench.cron.stand_in import StandIn
from bench.cron.syncs import Sync, SyncFolder, WrongOutcomeError

_RUNS = 3
_MANY, _MASSES, _ALL = 1_000, 10_000, 100_000  # flow runs
_EVER = ("--since", "3650d")
_SECONDS = {_MANY: 1.2, _MASSES: 2.5}  # wall clock
_GROWTH = 1.3  # of memory, from many flow runs to a hundred times as many
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
    shutil.rmtree(BUILD / "work", ignore_errors=True)
    lines: list[_Line] = []
    try:
        with StandIn() as stand_in:
            for name in wanted:
                lines += _BENCHES[name](stand_in)
    except WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD / "work")  # of a failure, it is worth a look
    _print(lines)
    return int(not all(line.is_met for line in lines))


def _arguments() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m bench.cron", description=__doc__)
    parser.add_argument("--only", choices=_BENCHES, action="append", help="may be repeated  [all]")
    return parser.parse_args().only or list(_BENCHES)


def _nothing_new(stand_in: StandIn) -> list[_Line]:
    """Sync 1,000 flow runs, and 10,000, of which all are synced."""
    return _unchanged(stand_in, (_MANY, _MASSES))


def _masses(stand_in: StandIn) -> list[_Line]:
    """Sync 1,000 flow runs, and 100,000, of which all are synced."""
    return _unchanged(stand_in, (_MANY, _ALL))


def _unchanged(stand_in: StandIn, counts: Sequence[int]) -> list[_Line]:
    """Sync flow runs of which all are synced; compare the memory with that of the first count."""
    lines: list[_Line] = []
    for count in counts:
        done = _synced_masses(stand_in, count)
        if not lines:
            least = done.measured.main_peak
        seconds, peak = done.measured.seconds, done.measured.main_peak
        limit = _SECONDS.get(count)
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
                f"  peak memory; {peak / least:.2f}x that of {counts[0]}",
                f"{peak / 1e6:.0f} MB",
                f"<= {_GROWTH:g}x",
                peak <= _GROWTH * least,
            ),
        ]
    return lines


def _synced_masses(stand_in: StandIn, count: int) -> Sync:
    """Sync flow runs of which all are synced; of several calls, return the median by time."""
    _say(f"{count} flow runs, of which all were synced")
    sample = masses(count)
    sync_folder = SyncFolder.make(f"masses-{count}", stand_in, sample)
    project = f"masses-{count}"
    sync_folder.sync(sample.pathspecs[0], project=project, expected={"synced": 1})
    add_synced(sample, sync_folder.ledger)
    expected = {"unchanged": count}
    calls = [sync_folder.sync(*_EVER, project=project, expected=expected) for _ in range(_RUNS)]
    return sorted(calls, key=lambda call: call.measured.seconds)[_RUNS // 2]


def _no_ledger(stand_in: StandIn) -> list[_Line]:
    """Sync 1,000 flow runs of which all are synced, without the ledger; to sync them takes long."""
    _say(f"{_MANY} flow runs are made, and synced for the first time")
    sync_folder = SyncFolder.make("first", stand_in, many(_MANY))
    sync_folder.sync(*_EVER, project="again", expected={"synced": _MANY})
    _say(f"{_MANY} flow runs, nothing new, and no ledger")
    lost = SyncFolder.make("no-ledger", stand_in, sync_folder.sample)
    without = lost.sync(*_EVER, project="again", expected={"unchanged": _MANY})
    limit = _MANY // _FLOW_RUNS_A_REQUEST
    return [
        _Line(
            f"{_MANY} flow runs, nothing new, no ledger",
            f"{without.measured.seconds:.2f} s",
            "",
            is_met=True,
        ),
        _Line("  requests", str(without.requests), f"<= {limit}", without.requests <= limit),
    ]


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
    "no-ledger": _no_ledger,
    "far-away": _slow_server,
    "few-of-masses": _few_of_masses,
}


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
