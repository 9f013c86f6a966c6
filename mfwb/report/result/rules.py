"""What rules of the settings gave to artifacts, and what they did not give."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome
from mfwb.report.fit import print_wrapped
from mfwb.report.format import describe_rules, short_name
from mfwb.safe_text import one_line

__all__ = ["print_rules"]

_INDENT = 2


def print_rules(flow_run: FlowRunOutcome, console: Console, *, whole: bool = False) -> None:
    """Print a line for each artifact that has rules; nothing if none has.

    Args:
        flow_run: a flow run.
        console: the console to print to.
        whole: shorten no name.
    """
    lines = list(_lines(flow_run))
    if lines:
        console.print()
    for line in lines:
        print_wrapped(line, console, indent=_INDENT, hanging=_INDENT, whole=whole)


def _lines(flow_run: FlowRunOutcome) -> Iterator[Text]:
    for run in flow_run.wandb_runs:
        for output in run.outputs:
            if output.rules is None:
                continue
            name = one_line(f"{short_name(run.name, flow_run.pathspec)}/{output.name}")
            if given := describe_rules(output.rules):
                yield Text.assemble((name, "dim"), ": ", given)
            for note in output.rules.notes:
                yield Text.assemble((name, "dim"), ": ", (one_line(note), "yellow"))
