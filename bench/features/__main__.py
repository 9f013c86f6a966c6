"""Measure what overview, curves, code and masks cost, on the flow run of 300 foreach tasks.

A sync with all of them is measured in turn with a sync without them, or with an older mfwb
(`--before DIR`, a checkout), offline, on the flow run of `python -m bench`. Exit code: 0 the
requirement is met, 1 it is missed, 2 a program did not do its work.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.measure import Measured, measure
from bench.replays import WrongOutcomeError, warm_up
from bench.sample import COUNT, flow_run
from bench.workplaces import BUILD, Workplace

_RUNS = 5
_LIMIT = 1.25  # of the time of a sync without, per step
_WITHOUT = {"MFWB_CODE": "false", "MFWB_CURVES": "false", "MFWB_REDACT": "false"}
_WITH = {"MFWB_OVERVIEW": "true"}


def main() -> int:
    """Run the bench and return the exit code."""
    arguments = _arguments()
    _say("the flow, by Metaflow (only the first time)")
    pathspec = flow_run(BUILD, fresh=False)
    warm_up(BUILD)
    try:
        ratios = [_compare(pathspec, item, arguments) for item in ("step", "task")]
    except WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD / "work")  # of a failure, it is worth a look
    return int(ratios[0] > _LIMIT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=_RUNS, help=f"times each is measured  [{_RUNS}]"
    )
    parser.add_argument("--before", type=Path, help="a checkout of an older mfwb  [none]")
    return parser.parse_args()


def _compare(pathspec: str, granularity: str, arguments: argparse.Namespace) -> float:
    """Print the figures of one granularity, and return how many times as long a sync takes."""
    older = arguments.before
    without = _WITHOUT if older is None else {"PYTHONPATH": str(older.resolve())}
    pairs = []
    for number in range(arguments.runs):
        _say(f"granularity {granularity}, {number + 1} of {arguments.runs}")
        first = _sync(pathspec, granularity, without)
        pairs.append((first, _sync(pathspec, granularity, _WITH)))
    table = Table(
        title=f"mfwb sync of {COUNT} foreach tasks, offline, granularity {granularity}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    base = "without" if older is None else "before"
    for heading in ("", base, "with all", "ratio", "required"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    ratios = []
    for label in ("seconds", "cpu"):
        before, after = (median(getattr(pair[side], label) for pair in pairs) for side in (0, 1))
        ratios.append(after / before)
        required = f"<= {_LIMIT:g}" if label == "seconds" and granularity == "step" else ""
        table.add_row(label, f"{before:.2f} s", f"{after:.2f} s", f"{ratios[-1]:.2f}", required)
    Console().print(table)
    seconds: float = ratios[0]
    return seconds


def _sync(pathspec: str, granularity: str, environment: Mapping[str, str]) -> Measured:
    name = "features"
    shutil.rmtree(BUILD / "work" / name, ignore_errors=True)
    workplace = Workplace.make(BUILD, name)
    command = [sys.executable, "-m", "mfwb", "sync", pathspec, "--mode", "offline"]
    command += ["--dir", "bundle", "--entity", "bench", "--granularity", granularity, "--json"]
    measured = measure(
        command, cwd=workplace.out, environment={**workplace.environment, **environment}
    )
    if measured.exit_code:
        raise WrongOutcomeError("\n".join(["mfwb failed", *measured.err.splitlines()[-10:]]))
    if json.loads(measured.out)["flow_runs"][0]["status"] != "synced":
        raise WrongOutcomeError("mfwb did not sync the flow run")
    return measured


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
