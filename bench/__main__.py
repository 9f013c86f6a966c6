"""Measure speed, memory and disk of mfwb against the script one would write without it.

Everything lands in `build/bench/`; the flow is run by Metaflow the first time, which takes some
minutes. Exit code: 0 all requirements are met, 1 one is missed, 2 a program did not do its work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console

from bench.figures import Replay, summed_up
from bench.replays import WrongOutcomeError, helps, replay_by_mfwb, replay_by_script, warm_up
from bench.requirements import Results, lines_of
from bench.sample import flow_run
from bench.show import print_results, to_json
from bench.workplaces import BUILD

_RUNS = 3


def main() -> int:
    """Run the bench and return the exit code."""
    arguments = _arguments()
    try:
        results = _results(arguments.runs, fresh=arguments.fresh)
    except WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD / "work")  # of a failure, it is worth a look
    day = datetime.now().astimezone().date()
    print_results(results, day, Console())
    if arguments.json is not None:
        arguments.json.write_text(to_json(results, day), encoding="utf-8")
    return int(any(line.is_met is False for line in lines_of(results)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=_count, default=_RUNS, help="times mfwb is measured  [3]")
    parser.add_argument("--fresh", action="store_true", help="run the flow anew")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _results(runs: int, *, fresh: bool) -> Results:
    _say("the flow, by Metaflow (only the first time)")
    pathspec = flow_run(BUILD, fresh=fresh)
    warm_up(BUILD)
    _say("the script")
    script = replay_by_script(BUILD, pathspec)
    step, again = _by_mfwb(pathspec, "step", runs)
    task, _ = _by_mfwb(pathspec, "task", runs)
    _say("help")
    return Results(
        script=summed_up([script]),
        step=summed_up(step),
        task=summed_up(task),
        again=summed_up(again),
        helps=helps(BUILD),
    )


def _by_mfwb(pathspec: str, granularity: str, runs: int) -> tuple[list[Replay], list[Replay]]:
    _say(f"mfwb sync --granularity {granularity}")
    pairs = [replay_by_mfwb(BUILD, pathspec, granularity) for _ in range(runs)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
