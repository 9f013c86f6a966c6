"""The figures as a table for people, and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version

from rich import box
from rich.console import Console
from rich.table import Table

from bench.requirements import Line, Results, Unit, lines_of
from bench.sample import COUNT

__all__ = ["print_results", "to_json"]

_PACKAGES = ("mfwb", "metaflow", "wandb")
_LABELS: Mapping[bool | None, str] = {True: "ok", False: "[bold red]missed[/]", None: ""}


def print_results(results: Results, day: date, console: Console) -> None:
    """Print the table."""
    table = Table(
        title=f"A flow run of {COUNT} foreach tasks with 10 artifacts each, offline",
        title_justify="left",
        caption=_caption(results, day),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("", no_wrap=True)
    for heading in ("script", "mfwb", "ratio", "required"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for line in lines_of(results):
        table.add_row(*_cells(line))
    console.print(table)


def to_json(results: Results, day: date) -> str:
    """Return all figures as one JSON document."""
    lines = [
        {**asdict(line), "unit": line.unit.value, "ratio": line.ratio, "is_met": line.is_met}
        for line in lines_of(results)
    ]
    about = {"date": day.isoformat(), "cores": os.cpu_count(), "versions": _versions()}
    return json.dumps({"version": 1, **about, "lines": lines, **asdict(results)}, indent=2) + "\n"


def _cells(line: Line) -> Sequence[str]:
    return (
        line.label,
        _figure(line.baseline, line.unit),
        _figure(line.ours, line.unit),
        f"{line.ratio:,.1f}x",
        _required(line),
        _LABELS[line.is_met],
    )


def _figure(value: float, unit: Unit) -> str:
    if unit is Unit.SECONDS:
        return f"{value:,.2f} s"
    return f"{value / 1_000_000:,.1f} MB"


def _required(line: Line) -> str:
    if line.times_less is not None:
        return f"{line.times_less:g}x"
    return "" if line.below is None else f"< {line.below / 1_000_000:g} MB"


def _caption(results: Results, day: date) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in _versions().items())
    runs = len(results.step.each_seconds)
    return (
        f"{day.isoformat()}, {os.cpu_count()} cores, {packages}.\n"
        "Script: bench/baseline.py, a W&B run per task, once. "
        f"mfwb: median of {runs}.\n"
        "Ratio: how many times less mfwb takes."
    )


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
