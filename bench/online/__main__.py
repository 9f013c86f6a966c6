"""Measure how fast flow runs of ten steps get to a W&B that takes its time with each request.

Beside mfwb as it is by default stand a plain script of W&B's SDK and mfwb itself, both one W&B run
after the other: of these, fewer W&B runs are measured, and their time is multiplied. W&B is
the tests' stand-in, in a process of its own on the same cores; its processor time is shown, too.
Everything is made in `build/bench-online/`.
Exit code: 0 all requirements are met, 1 one is missed, 2 a program did not do its work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.cron.flow_runs import Sample
from bench.cron.stand_in import Asked, StandIn
from bench.measure import Measured, measure
from bench.online.sample import BUILD, STEPS, make_sample
from bench.workplaces import Workplace, console_script

_SCRIPT = Path(__file__).with_name("script.py")
_FLOW_RUNS = 20
_FEW = 2  # flow runs of the slow programs; the rest is multiplied
_LATENCIES = (0.0, 0.05, 0.2)  # seconds for each request
_REQUIRED = {0.05: 20, 0.2: 30}  # times as fast as the script
_CHAIN = 16
"""Requests that follow one upon the other, of a W&B run that waits for nobody: the claim, two to
open it, one to create the artifact, two for its manifest, one for its file, the commit, the use,
and the end; then the reading back and the mark. A lower bound, for the floor."""


class _WrongOutcomeError(Exception):
    """A program did not do its work, so its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class _Replay:
    """One program that wrote so many W&B runs; of how many, if it was measured with a few."""

    wandb_runs: int
    of: int
    measured: Measured
    asked: Asked

    @property
    def seconds_of_all(self) -> float:
        """The seconds that all W&B runs take: of these, the time to start is not multiplied."""
        document = json.loads(self.measured.out)
        work = float(document["totals"]["seconds"])
        return self.measured.seconds + work * (self.of / self.wandb_runs - 1)

    @property
    def floor_cpu(self) -> float:
        """The seconds that the processors take at least, the stand-in's among them."""
        cpu = self.measured.main_cpu + self.measured.core_cpu + self.asked.cpu
        return cpu / (os.cpu_count() or 1)


def main() -> int:
    """Run the bench and return the exit code."""
    arguments = _arguments()
    shutil.rmtree(BUILD, ignore_errors=True)
    _say("the flow, by Metaflow")
    sample = make_sample(arguments.flow_runs)
    programs = [name for name in ("script", "serial", "mfwb") if name in arguments.only]
    figures: dict[float, dict[str, _Replay]] = {}
    try:
        for latency in arguments.latency:
            figures[latency] = {
                name: _replay(name, latency, sample, [arguments.mfwb, *arguments.options])
                for name in programs
            }
    except _WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD)  # of a failure, it is worth a look
    if arguments.json is not None:
        arguments.json.write_text(_to_json(figures), encoding="utf-8")
    are_met = [_print(latency, replays) for latency, replays in figures.items()]
    return int(not all(are_met))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.online", description=__doc__)
    programs = ["script", "serial", "mfwb"]
    parser.add_argument("--only", nargs="+", choices=programs, default=programs)
    parser.add_argument("--flow-runs", type=int, default=_FLOW_RUNS, metavar="N")
    parser.add_argument(
        "--latency", nargs="+", type=float, default=_LATENCIES, help="seconds  [0 0.05 0.2]"
    )
    parser.add_argument(
        "--mfwb", default=console_script("mfwb"), metavar="PROGRAM", help="another mfwb to measure"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "options", nargs="*", help="further options of mfwb, after --, as in -- --workers 32"
    )
    return parser.parse_args()


def _replay(name: str, latency: float, sample: Sample, program: Sequence[str]) -> _Replay:
    """Replay flow runs by one program; `program` is mfwb, with its further options."""
    pathspecs = sample.pathspecs if name == "mfwb" else sample.pathspecs[:_FEW]
    _say(f"{name}: {len(pathspecs)} flow runs, {latency * 1000:.0f} ms a request")
    folder = f"{name}-{latency:g}"
    shutil.rmtree(BUILD / "work" / folder, ignore_errors=True)
    workplace = Workplace.make(BUILD, folder)
    with StandIn() as stand_in:  # a new one, so that it never has much to search
        stand_in.wait_with_each_request(latency)
        before = stand_in.asked()
        measured = measure(
            _command(name, pathspecs, sample, program),
            cwd=workplace.out,
            environment={
                **workplace.environment,
                **stand_in.environment,
                "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(sample.root),
            },
        )
        after = stand_in.asked()
    _check(name, measured, pathspecs)
    runs, all_runs = len(pathspecs) * STEPS, len(sample.pathspecs) * STEPS
    return _Replay(runs, all_runs, measured, Asked(after.kinds, after.cpu - before.cpu))


def _command(
    name: str, pathspecs: Sequence[str], sample: Sample, program: Sequence[str]
) -> list[str]:
    if name == "script":
        return [sys.executable, str(_SCRIPT), *pathspecs]
    mfwb, *options = program
    workers = ["--workers", "1"] if name == "serial" else options
    where = ["--project", "mfwb", "--entity", "acme", "--metadata", sample.metadata]
    return [mfwb, "sync", *pathspecs, *where, *workers, "--json"]


def _check(name: str, measured: Measured, pathspecs: Sequence[str]) -> None:
    """Check that nothing failed, and of mfwb that all was written and nothing lost."""
    if measured.exit_code:
        raise _WrongOutcomeError("\n".join([f"{name} failed", *measured.err.splitlines()[-10:]]))
    if name == "script":
        return
    totals = json.loads(measured.out)["totals"]
    expected = len(pathspecs)
    if totals["flow_runs"]["synced"] != expected or totals["losses"]:
        raise _WrongOutcomeError(f"{name} did not write everything: {totals}")
    if totals["outputs"] != expected * STEPS or totals["inputs"] != expected * (STEPS - 1):
        raise _WrongOutcomeError(f"{name} wrote something else: {totals}")


def _print(latency: float, replays: dict[str, _Replay]) -> bool:
    """Print the figures at one latency, and return whether the requirement is met."""
    each = list(replays.values())
    all_runs = each[0].of
    title = f"{all_runs // STEPS} flow runs of ten steps, {latency * 1000:.0f} ms a request"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("", *replays):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("W&B runs measured", *(str(replay.wandb_runs) for replay in each))
    table.add_row("s, measured", *(f"{replay.measured.seconds:.1f}" for replay in each))
    table.add_row(f"s, of {all_runs} W&B runs", *(f"{r.seconds_of_all:.1f}" for r in each))
    table.add_row(
        "ms of Python a W&B run",
        *(f"{1000 * replay.measured.main_cpu / replay.wandb_runs:.1f}" for replay in each),
    )
    table.add_row(
        "ms of wandb-core a W&B run",
        *(f"{1000 * replay.measured.core_cpu / replay.wandb_runs:.1f}" for replay in each),
    )
    table.add_row(
        "ms of the stand-in a W&B run",
        *(f"{1000 * replay.asked.cpu / replay.wandb_runs:.1f}" for replay in each),
    )
    table.add_row(
        "requests a W&B run", *(f"{replay.asked.total / replay.wandb_runs:.1f}" for replay in each)
    )
    table.add_row("peak MB, Python", *(f"{replay.measured.main_peak / 1e6:.0f}" for replay in each))
    table.add_row(
        "peak MB, with wandb-core", *(f"{replay.measured.tree_peak / 1e6:.0f}" for replay in each)
    )
    table.add_row(
        f"floor: {_CHAIN} round trips, s", *(f"{_floor_trips(latency, r):.1f}" for r in each)
    )
    table.add_row(
        f"floor: {os.cpu_count()} cores, s", *(f"{replay.floor_cpu:.1f}" for replay in each)
    )
    Console().print(table)
    for name, replay in replays.items():
        kinds = ", ".join(f"{kind} {number}" for kind, number in replay.asked.kinds.items())
        print(f"requests of {name}: {kinds}")
    if not {"script", "mfwb"} <= replays.keys():
        return True
    seconds = replays["mfwb"].measured.seconds
    required = _REQUIRED.get(latency, 0)
    is_met = True
    for name in ("script", "serial"):
        if name in replays:
            ratio = replays[name].seconds_of_all / seconds
            wanted = f" (required: {required})" if required and name == "script" else ""
            print(f"mfwb is {ratio:.1f} times as fast as {name}{wanted}")
            is_met = is_met and not (wanted and ratio < required)
    return is_met


def _floor_trips(latency: float, replay: _Replay) -> float:
    """Return the seconds of the longest chain of requests: of all W&B runs, or of one."""
    is_one_after_the_other = replay.wandb_runs != replay.of
    return latency * _CHAIN * (replay.wandb_runs if is_one_after_the_other else 1)


def _to_json(figures: dict[float, dict[str, _Replay]]) -> str:
    document = {
        str(latency): {
            name: {
                "wandb_runs": replay.wandb_runs,
                "seconds": replay.measured.seconds,
                "main_cpu": replay.measured.main_cpu,
                "core_cpu": replay.measured.core_cpu,
                "main_peak": replay.measured.main_peak,
                "tree_peak": replay.measured.tree_peak,
                "stand_in": asdict(replay.asked),
            }
            for name, replay in replays.items()
        }
        for latency, replays in figures.items()
    }
    return json.dumps(document, indent=2)


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
