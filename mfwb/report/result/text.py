"""A result as text: about ten lines for a flow run, a line each for many."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from mfwb.destination.addresses import bundle_folder
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.console import is_limited, printed
from mfwb.report.fit import fit_name, for_encoding, print_wrapped
from mfwb.report.format import count, project_path, project_urls
from mfwb.report.links import linked
from mfwb.report.result.changes import change_lines
from mfwb.report.result.details import print_details
from mfwb.report.result.edits import print_edits
from mfwb.report.result.listing import STATUS_STYLES, list_of
from mfwb.report.result.losses import print_losses
from mfwb.report.result.masked import print_masked
from mfwb.report.result.rules import print_rules
from mfwb.report.result.shards import print_shards
from mfwb.report.result.table import print_steps
from mfwb.report.result.totals import item_totals, numbers, says_no_losses, totals
from mfwb.safe_text import one_line

__all__ = ["to_text"]

_FEW = 3
"""If there are more flow runs, they get one line each, or less."""

_INDENT = 2


def to_text(result: Result, *, console: Console, verbose: bool = False) -> str:
    """Return the text, in the width and the colours of a console."""
    many = len(result.flow_runs) > _FEW and not verbose
    flow_runs = result.others if many else result.flow_runs
    shown = [run for run in flow_runs if not _is_only_a_name(run, result)]
    unchanged = result.set_aside.number
    listed = list_of(shown, console, unchanged=unchanged) if many and (shown or unchanged) else []
    with console.capture() as capture:
        print_shards(result, console)
        if many:
            _print_shared_parts(result, console)
        else:
            for number, flow_run in enumerate(shown):
                if number:
                    console.print()
                _print_flow_run(flow_run, result, console, verbose=verbose)
        last = [] if len(result.flow_runs) == 1 else totals(result)
        lines = [*last, *(item_totals(result) if verbose else ())]
        if lines and result.flow_runs and not many:
            console.print()
        for line in lines:
            text = Text(line, style="bold")
            print_wrapped(text, console, hanging=_INDENT, whole=verbose, gap=", ")
        for note in result.notes:
            print_wrapped(Text(one_line(note), style="yellow"), console, whole=True)
    return "".join(f"{line}\n" for line in listed) + printed(capture.get())


def _is_only_a_name(flow_run: FlowRunOutcome, result: Result) -> bool:
    """Return whether nothing is known of a flow run but the shard that it is planned in."""
    return result.command == "backfill" and flow_run.status is Status.PLANNED


# --- a few flow runs ------------------------------------------------------------------------


def _print_flow_run(
    flow_run: FlowRunOutcome, result: Result, console: Console, *, verbose: bool
) -> None:
    _print_headline(flow_run, console, whole=verbose)
    is_new = flow_run.status in (Status.PLANNED, Status.SYNCED, Status.FAILED)
    if flow_run.status in (Status.SKIPPED, Status.FAILED):
        reason = Text(one_line(flow_run.reason or "no reason was recorded"))
        print_wrapped(reason, console, indent=_INDENT, whole=verbose)
    for line in change_lines(flow_run):
        print_wrapped(Text(line), console, indent=_INDENT, whole=verbose, gap=", ")
    for line in filter(None, _sentences(flow_run, result)):
        print_wrapped(Text(line), console, indent=_INDENT, whole=verbose, gap=", ")
    if flow_run.wandb_runs and is_new:
        console.print()
        print_steps(flow_run, console)
    if verbose:
        print_details(flow_run, console)
    if verbose or is_new:
        _print_remarks(flow_run, console, verbose=verbose)
    _print_link(flow_run, console, whole=verbose, gap=is_new)


def _print_headline(flow_run: FlowRunOutcome, console: Console, *, whole: bool) -> None:
    """Print the name of a flow run, its status, and where it is in W&B."""
    status = Text(flow_run.status.value, style=STATUS_STYLES[flow_run.status])
    name = Text(one_line(flow_run.pathspec), style="bold")
    if not whole:
        name = fit_name(name, console.width - status.cell_len - _INDENT, console)
    head = Text.assemble(linked(name, flow_run.url, console), "  ", status)
    where = for_encoding(Text(_destination(flow_run)), console)
    if not where:
        console.print(head, soft_wrap=True)
    elif head.cell_len + _INDENT + where.cell_len <= console.width:
        console.print(Text.assemble(head, "  ", where), soft_wrap=True)
    else:
        console.print(head, soft_wrap=True)
        print_wrapped(where, console, indent=_INDENT, whole=whole)


def _destination(flow_run: FlowRunOutcome) -> str:
    """Return the project of a flow run, and its group if that is not its name; empty: nowhere."""
    if not flow_run.project:
        return ""
    parts = [project_path(flow_run)]
    if flow_run.group and flow_run.group != flow_run.pathspec:
        parts.append(f"group {one_line(flow_run.group)}")
    if flow_run.mode == "offline":
        parts.append("offline")
    return ", ".join(parts)


def _sentences(flow_run: FlowRunOutcome, result: Result) -> Iterable[str]:
    """Yield the numbers of what was, or would be, written."""
    if flow_run.status is Status.UNCHANGED:
        if number := len(flow_run.all_losses):
            yield f"{count(number, 'loss')}, as `mfwb status --losses` lists"
    elif flow_run.wandb_runs:
        whole = result.estimate if len(result.flow_runs) == 1 else None
        seconds = flow_run.seconds or result.seconds
        work, artifacts = numbers([flow_run], seconds, result.command, whole)
        yield work
        none_lost = ["no losses"] if says_no_losses([flow_run]) else []
        yield ", ".join(filter(None, [artifacts, *none_lost]))
    if number := sum(run.deleted for run in flow_run.wandb_runs):
        yield f"{number:,} deleted in W&B, and excluded (see --on-deleted recreate)"


def _print_remarks(flow_run: FlowRunOutcome, console: Console, *, verbose: bool) -> None:
    print_rules(flow_run, console, whole=verbose)
    if flow_run.all_losses:
        console.print()
        print_losses(flow_run.all_losses, console, whole=verbose, indent=_INDENT)
    if flow_run.all_masked:
        console.print()
        print_masked(flow_run.all_masked, console, whole=verbose, indent=_INDENT)
    print_edits([flow_run], console, indent=_INDENT)


def _print_link(flow_run: FlowRunOutcome, console: Console, *, whole: bool, gap: bool) -> None:
    """Print where to look: the page of the group, or the folder of an offline sync."""
    target = flow_run.url or _folder_of(flow_run)
    if target and gap:
        console.print()
    if target:
        _print_target(target, console, whole=whole, indent=_INDENT)


def _folder_of(flow_run: FlowRunOutcome) -> str | None:
    """Return the folder that holds those of all W&B runs of a flow run; None if it has none."""
    return bundle_folder(run.dir for run in flow_run.wandb_runs)


def _print_target(target: str, console: Console, *, whole: bool, indent: int) -> None:
    """Print a URL or a folder; a URL only loses its middle where a click opens it all the same."""
    text = Text(one_line(target), style="cyan")
    link = linked(text, target, console)
    must_copy = "://" in target and (link is text or console.color_system is None)
    if is_limited(console) and not whole and not must_copy:
        link = fit_name(link, console.width - indent, console)
    console.print(Text.assemble(" " * indent, link), soft_wrap=True)


# --- many flow runs -------------------------------------------------------------------------


def _print_shared_parts(result: Result, console: Console) -> None:
    """Print the losses and edits of all flow runs together, and their common places."""
    console.print()
    new = [run for run in result.others if run.status is not Status.UNCHANGED]
    losses = [loss for flow_run in new for loss in flow_run.all_losses]
    if losses:
        print_losses(losses, console, whole=False, indent=0)
        console.print()
    masked = [entry for flow_run in new for entry in flow_run.all_masked]
    if masked:
        print_masked(masked, console, whole=False, indent=0)
        console.print()
    print_edits(result.others, console, indent=0)
    folders = filter(None, (_folder_of(run) for run in result.others if run.url is None))
    set_aside = result.set_aside
    targets = dict.fromkeys(
        [*project_urls(result.others), *set_aside.pages, *folders, *set_aside.folders]
    )
    for target in targets:
        _print_target(target, console, whole=False, indent=0)
    if targets:
        console.print()
