"""A verification as text: a line for each flow run that is the same, the differences of others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from mfwb.report.console import printed
from mfwb.report.fit import print_wrapped, wrap_text
from mfwb.report.format import count, human_size, short_name
from mfwb.safe_text import one_line
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

__all__ = ["show_text", "verification_totals"]

_STYLES = {
    Verdict.SAME: "bold green",
    Verdict.DIFFERENT: "bold red",
    Verdict.SKIPPED: "bold yellow",
    Verdict.FAILED: "bold red",
}
_MANY = 20
"""Of more differences of a flow run, the rest is only counted."""

_LONGEST_VALUE = 300  # letters of a value, unless all is shown
_SIDES = ("Metaflow", "W&B")
_NARROWEST = 12  # columns that a value gets at least


def show_text(verification: Verification, *, console: Console, verbose: bool = False) -> str:
    """Return the text, in the width and the colours of a console.

    Args:
        verification: the result.
        console: the console that it is formatted for.
        verbose: show all differences whole, and the items that can't be decided.
    """
    with console.capture() as capture:
        for run in verification.flow_runs:
            _print_flow_run(run, console, verbose=verbose)
        if len(verification.flow_runs) != 1:
            print_wrapped(Text(verification_totals(verification), style="bold"), console)
        for note in verification.notes:
            print_wrapped(Text(one_line(note), style="yellow"), console)
    return printed(capture.get())


def _print_flow_run(run: FlowRunVerification, console: Console, *, verbose: bool) -> None:
    headline = Text.assemble(
        (one_line(run.pathspec), "bold"), "  ", (run.verdict.value, _STYLES[run.verdict])
    )
    sentence = _sentence(run)
    if run.verdict is Verdict.SAME and not (verbose and run.unknown):
        print_wrapped(headline.append(f": {sentence}"), console, hanging=2, whole=verbose)
        return
    print_wrapped(headline, console, hanging=2, whole=verbose)
    print_wrapped(Text(sentence), console, indent=2, whole=verbose)
    _print_differences(run, console, verbose=verbose)
    if verbose:
        _print_unknown(run.unknown, console)
    console.print()


def _sentence(run: FlowRunVerification) -> str:
    if run.verdict in (Verdict.SKIPPED, Verdict.FAILED):
        return one_line(run.reason or "no reason was recorded")
    items = sum((run.compared or {}).values())
    project = "/".join(one_line(part) for part in (run.entity, run.project) if part)
    runs = (run.compared or {}).get("run", 0)
    parts = [f"{count(items, 'item')} in {count(runs, 'W&B run')}"]
    if project:
        parts[0] += f" of {project}"
    if run.verdict is Verdict.DIFFERENT:
        parts.insert(0, count(len(run.differences), "difference"))
    if run.group and run.group != run.pathspec:
        parts.append(f"group {one_line(run.group)}")
    if run.bytes_read:
        parts.append(f"{human_size(run.bytes_read)} of data read")
    if run.unknown:
        parts.append(f"{count(len(run.unknown), 'item')} can't be decided")
    if run.repaired is not None:
        parts.append(f"{run.repaired:,} repaired")
    older = ", ".join(one_line(version) for version in run.written_by)
    if older and run.verdict is Verdict.DIFFERENT:
        parts.append(f"written by mfwb {older}")
    return "; ".join(parts)


def _print_differences(run: FlowRunVerification, console: Console, *, verbose: bool) -> None:
    shown = run.differences if verbose else run.differences[:_MANY]
    for name, differences in _by_wandb_run(shown):
        title = "the flow run as a whole" if name is None else short_name(name, run.pathspec)
        console.print()
        console.print(Text(f"  {one_line(title)}", style="bold"), soft_wrap=True)
        for difference in differences:
            item = difference.item.replace(f"{run.pathspec}/", "").removeprefix(f"{title} ")
            _print_difference(difference, item, console, whole=verbose)
    if len(shown) < len(run.differences):
        more = f"  and {len(run.differences) - len(shown):,} more, which --verbose shows"
        console.print()
        console.print(Text(more, style="dim"))


def _by_wandb_run(
    differences: Iterable[Difference],
) -> Iterable[tuple[str | None, Sequence[Difference]]]:
    groups: dict[str | None, list[Difference]] = {}
    for difference in differences:
        groups.setdefault(difference.wandb_run, []).append(difference)
    return sorted(groups.items(), key=lambda group: group[0] is not None)


def _print_difference(difference: Difference, item: str, console: Console, *, whole: bool) -> None:
    """Print a difference, without the part of its item that the heading has."""
    kind, item = one_line(difference.kind), one_line(item)
    title = item if kind in item else f"{kind} {item}"
    print_wrapped(Text(title, style="red"), console, indent=4, whole=whole)
    for side, value in zip(_SIDES, (difference.metaflow, difference.wandb), strict=True):
        text = _value(value, whole=whole)
        style = "dim" if value is None else ""
        _print_fact(side, Text(text, style=style), console, whole=whole)
    cause = one_line(difference.cause)
    if not difference.repairable:
        cause += " (a sync can't change that)"
    _print_fact("because", Text(cause, style="yellow"), console, whole=whole)


def _print_fact(label: str, fact: Text, console: Console, *, whole: bool) -> None:
    width = max(map(len, _SIDES))
    first, *more = wrap_text(fact, max(_NARROWEST, console.width - width - 8), console, whole=whole)
    console.print(Text.assemble((f"      {label:<{width}}  ", "dim"), first), soft_wrap=True)
    for line in more:
        console.print(Text.assemble(" " * (width + 8), line), soft_wrap=True)


def _value(value: Any, *, whole: bool) -> str:
    """Return a value as JSON in one line; a missing value as text."""
    if value is None:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # no JSON
        text = repr(value)
    return one_line(text) if whole else one_line(text, _LONGEST_VALUE)


def _print_unknown(unknown: Sequence[tuple[str, str]], console: Console) -> None:
    if not unknown:
        return
    console.print()
    console.print(Text("  can't be decided", style="bold"))
    for item, reason in unknown:
        line = Text.assemble(one_line(item), (" - ", "dim"), (one_line(reason), "yellow"))
        print_wrapped(line, console, indent=4, hanging=2, whole=True)


def verification_totals(verification: Verification) -> str:
    """Return the numbers of flow runs by verdict, of items and of requests, as one line."""
    totals = verification.totals
    verdicts = totals["flow_runs"]
    parts = [f"{number:,} {name}" for name, number in verdicts.items() if number]
    return (
        f"{count(len(verification.flow_runs), 'flow run')}: {', '.join(parts) or 'none'}; "
        f"{count(totals['compared'], 'item')} compared, {count(totals['requests'], 'request')}"
    )
