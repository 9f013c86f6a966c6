"""A result as text: the outcome of each flow run, losses, edits, URLs and totals."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.console import printed
from mfwb.report.format import count, project_path, project_urls, short_name
from mfwb.report.result.changes import change_lines
from mfwb.report.result.details import print_details
from mfwb.report.result.edits import print_edits
from mfwb.report.result.listing import STATUS_STYLES, list_of
from mfwb.report.result.losses import print_losses
from mfwb.report.result.masked import print_masked
from mfwb.report.result.rows import MANY, rows_of
from mfwb.report.result.rules import print_rules
from mfwb.report.result.table import table_of
from mfwb.report.result.totals import totals
from mfwb.safe_text import one_line

__all__ = ["to_text"]

_FEW = 3
"""If there are more flow runs, they get one line each, or less."""


def to_text(result: Result, *, console: Console, verbose: bool = False) -> str:
    """Return the text, in the width and the colours of a console."""
    many = len(result.flow_runs) > _FEW and not verbose
    listed = list_of(result.flow_runs, console) if many else []
    with console.capture() as capture:
        if many:
            _print_shared_parts(result, console)
        else:
            for flow_run in result.flow_runs:
                _print_flow_run(flow_run, console, verbose=verbose)
        for line in totals(result, verbose=verbose):
            console.print(Text(line, style="bold"))
        for note in result.notes:
            console.print(Text(one_line(note), style="yellow"))
    return "".join(f"{line}\n" for line in listed) + printed(capture.get())


# --- a few flow runs ------------------------------------------------------------------------


def _print_flow_run(flow_run: FlowRunOutcome, console: Console, *, verbose: bool) -> None:
    _print_headline(flow_run, console)
    if flow_run.wandb_runs and flow_run.status is not Status.UNCHANGED:
        console.print(Padding(table_of(rows_of(flow_run), console.width - 2), (0, 0, 1, 2)))
    if verbose:
        print_details(flow_run, console)
    if verbose or flow_run.status is not Status.UNCHANGED:
        print_rules(flow_run, console)
    if flow_run.all_losses:
        print_losses(flow_run.all_losses, console, whole=verbose, indent=2)
        console.print()
    if flow_run.all_masked and flow_run.status is not Status.UNCHANGED:
        print_masked(flow_run.all_masked, console, whole=verbose, indent=2)
        console.print()
    print_edits([flow_run], console, indent=2)
    if not verbose:
        _print_links(flow_run, console)


def _print_headline(flow_run: FlowRunOutcome, console: Console) -> None:
    console.print(
        Text.assemble((one_line(flow_run.pathspec), "bold"), "  ", _status(flow_run)),
        soft_wrap=True,
    )
    lines = "\n".join([_sentence(flow_run), *change_lines(flow_run)])
    console.print(Padding(Text(lines, overflow="fold"), (0, 0, 1, 2)))


def _status(flow_run: FlowRunOutcome) -> Text:
    return Text(flow_run.status.value, style=STATUS_STYLES[flow_run.status])


def _sentence(flow_run: FlowRunOutcome) -> str:
    """Return the outcome of a flow run and its place in W&B, or the reason of a failure."""
    if flow_run.status in (Status.SKIPPED, Status.FAILED):
        return one_line(flow_run.reason or "no reason was recorded")
    runs = count(len(flow_run.wandb_runs), "W&B run")
    target = f"{project_path(flow_run)}, group {one_line(flow_run.group or '')}"
    if flow_run.mode == "offline":
        target += ", offline"
    gone = sum(run.deleted for run in flow_run.wandb_runs)
    deleted = f"; {gone:,} deleted in W&B, and excluded (see --on-deleted recreate)" if gone else ""
    if flow_run.status is Status.UNCHANGED:
        return f"nothing to do: unchanged since the last sync ({runs} in {target}){deleted}"
    verb = "would go to" if flow_run.status is Status.PLANNED else "in"
    failed = sum(run.state == "failed" for run in flow_run.wandb_runs)
    return f"{runs} {verb} {target}" + (f"; {failed:,} marked failed" if failed else "") + deleted


def _print_links(flow_run: FlowRunOutcome, console: Console) -> None:
    """Print the URL of each W&B run; for too many, or offline, only their common place."""
    links = [
        (one_line(short_name(run.name, flow_run.pathspec)), run.url)
        for run in flow_run.wandb_runs
        if run.url
    ]
    if not links or len(links) > MANY:
        _print_common_links([flow_run], console)
        return
    width = max(len(name) for name, _ in links)
    for name, url in links:
        line = Text.assemble("  ", (f"{name:<{width}}", "dim"), "  ", _link(url))
        console.print(line, soft_wrap=True)
    console.print()


def _print_common_links(flow_runs: Iterable[FlowRunOutcome], console: Console) -> None:
    runs = [run for flow_run in flow_runs for run in flow_run.wandb_runs]
    folders = [str(PurePath(run.dir).parent) for run in runs if run.dir]
    targets = dict.fromkeys([*project_urls(runs), *folders])
    for target in targets:
        console.print(Text.assemble("  ", ("see", "dim"), "  ", _link(target)), soft_wrap=True)
    if targets:
        console.print()


def _link(target: str) -> Text:
    """Return a target as a link if it is a URL of plain letters, which ends no escape sequence."""
    is_url = "://" in target and target.isascii() and target.isprintable() and " " not in target
    return Text(one_line(target), style=f"link {target}" if is_url else "")


# --- many flow runs -------------------------------------------------------------------------


def _print_shared_parts(result: Result, console: Console) -> None:
    """Print the losses and edits of all flow runs together, and their common places."""
    console.print()
    if result.losses:
        print_losses(result.losses, console, whole=False, indent=0)
        console.print()
    masked = [
        entry
        for flow_run in result.flow_runs
        if flow_run.status is not Status.UNCHANGED
        for entry in flow_run.all_masked
    ]
    if masked:
        print_masked(masked, console, whole=False, indent=0)
        console.print()
    print_edits(result.flow_runs, console, indent=0)
    _print_common_links(result.flow_runs, console)
