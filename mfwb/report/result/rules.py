"""What rules of the settings gave to artifacts, and what they did not give."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome
from mfwb.report.format import describe_rules, short_name
from mfwb.safe_text import one_line

__all__ = ["print_rules"]


def print_rules(flow_run: FlowRunOutcome, console: Console) -> None:
    """Print a line for each artifact that has rules; nothing if none has."""
    lines = []
    for run in flow_run.wandb_runs:
        for output in run.outputs:
            if output.rules is None:
                continue
            name = one_line(f"{short_name(run.name, flow_run.pathspec)}/{output.name}")
            if given := describe_rules(output.rules):
                lines.append(Text.assemble("  ", (name, "dim"), "  ", given))
            lines += [
                Text.assemble("  ", (name, "dim"), "  ", (one_line(note), "yellow"))
                for note in output.rules.notes
            ]
    for line in lines:
        console.print(line, soft_wrap=True)
    if lines:
        console.print()
