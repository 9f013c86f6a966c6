"""Measure `mfwb verify` of the flow run of 300 foreach tasks, beside the sync that wrote it.

The flow run is that of `python -m bench`, in `build/bench/`, and W&B is the tests' stand-in, in a
process of its own. Both programs do all their work: nothing is known of the flow run before.
Exit code: 0 all requirements are met, 1 one is missed, 2 a program did not do its work.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.cron.stand_in import StandIn
from bench.measure import Measured, measure
from bench.replays import WrongOutcomeError, warm_up
from bench.sample import COUNT, flow_run
from bench.workplaces import BUILD, Workplace, console_script

_RUNS = 3
_SHARE = 0.5  # of the time of the sync
_ITEMS_PER_REQUEST = 20


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of one granularity: seconds, and what the verification compared."""

    granularity: str
    sync: float
    verify: float
    items: int
    requests: int

    @property
    def share(self) -> float:
        """The time of the verification, as a share of that of the sync."""
        return self.verify / self.sync

    @property
    def items_per_request(self) -> float:
        """How many items were compared for each request."""
        return self.items / self.requests

    @property
    def is_met(self) -> bool:
        """Whether both requirements are met."""
        return self.share <= _SHARE and self.items_per_request >= _ITEMS_PER_REQUEST


def main() -> int:
    """Run the bench and return the exit code."""
    _say("the flow, by Metaflow (only the first time)")
    pathspec = flow_run(BUILD, fresh=False)
    warm_up(BUILD)
    try:
        with StandIn() as stand_in:
            figures = [_measured(stand_in, pathspec, item) for item in ("step", "task")]
    except WrongOutcomeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD / "work")  # of a failure, it is worth a look
    _print(figures)
    return int(not all(figure.is_met for figure in figures))


def _measured(stand_in: StandIn, pathspec: str, granularity: str) -> _Figures:
    syncs, verifications = [], []
    items = requests = 0
    for number in range(_RUNS):
        _say(f"granularity {granularity}, {number + 1} of {_RUNS}")
        name = f"verified-{granularity}-{number}"
        shutil.rmtree(BUILD / "work" / name, ignore_errors=True)
        workplace = Workplace.make(BUILD, name)
        arguments = (pathspec, "--project", name, "--entity", "acme", "--granularity", granularity)
        syncs.append(_run(workplace, stand_in, "sync", arguments).seconds)
        stand_in.requests()
        verified = _run(workplace, stand_in, "verify", arguments)
        requests = stand_in.requests()
        items = _items(json.loads(verified.out))
        verifications.append(verified.seconds)
    return _Figures(granularity, median(syncs), median(verifications), items, requests)


def _run(
    workplace: Workplace, stand_in: StandIn, command: str, arguments: tuple[str, ...]
) -> Measured:
    measured = measure(
        [console_script("mfwb"), command, *arguments, "--json"],
        cwd=workplace.out,
        environment={**workplace.environment, **stand_in.environment},
        sample=False,
    )
    if measured.exit_code:
        lines = measured.err.splitlines()[-10:]
        raise WrongOutcomeError("\n".join([f"mfwb {command} failed", *lines]))
    return measured


def _items(document: dict[str, Any]) -> int:
    [item] = document["flow_runs"]
    if item["verdict"] != "same" or item["compared"]["run"] < len(("start", "work", "join", "end")):
        raise WrongOutcomeError(f"mfwb verify found {item['verdict']}: {item['differences'][:3]}")
    return sum(item["compared"].values())


def _print(figures: list[_Figures]) -> None:
    table = Table(
        title=f"mfwb verify of a flow run of {COUNT} foreach tasks, without --read-data",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    for heading in ("", "sync", "verify", "share", "items", "requests", "a request", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=not heading)
    for figure in figures:
        table.add_row(
            f"granularity {figure.granularity}",
            f"{figure.sync:.2f} s",
            f"{figure.verify:.2f} s",
            f"{figure.share:.2f}",
            f"{figure.items:,}",
            f"{figure.requests:,}",
            f"{figure.items_per_request:.1f}",
            "ok" if figure.is_met else "[bold red]missed[/]",
        )
    table.add_section()
    table.add_row("required", "", "", f"<= {_SHARE:g}", "", "", f">= {_ITEMS_PER_REQUEST}", "")
    Console().print(table)


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
