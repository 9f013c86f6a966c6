"""The list of flow runs, or of flows, for people: a line each, and no name is broken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mfwb.flow_run_list import FlowInList, FlowRunInList, FlowRunList, Sync
from mfwb.ports import Destination, SyncState
from mfwb.report.console import printed
from mfwb.report.format import count
from mfwb.report.json_output import for_any_output
from mfwb.safe_text import fit_encoding, one_line
from mfwb.units.durations import format_duration

__all__ = ["lines_on_rest", "show_flow_runs"]

_GAP = "  "
_INDENT = "    "
_FAILED = frozenset({"failed", "abandoned"})
_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "abandoned": "red"}
_LABELS = {
    SyncState.SYNCED: "synced",
    SyncState.BEGUN: "sync not finished",
    SyncState.RUNNING: "not synced, was running",
    SyncState.FAILED: "sync failed",
    SyncState.INCOMPLETE: "incomplete",
    SyncState.LEFT_OUT: "left out",
}

Cells = Sequence[Text]


def show_flow_runs(
    listed: FlowRunList, *, console: Console, now: datetime, as_json: bool
) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only.

    Args:
        listed: flow runs or flows.
        console: the console that text is formatted for.
        now: the present time, with a time zone; ages are computed from it.
        as_json: return a JSON document rather than text.
    """
    if as_json:
        return for_any_output(listed.to_dict())
    rows = [_flow_run(run, now) for run in listed.flow_runs]
    rows += [_flow(flow, now) for flow in listed.flows]
    heading: tuple[str, ...] = ("flow run", "state", "age", "user", "tags", "in W&B")
    if listed.flows:
        heading = ("flow", "runs", "synced", "newest run", "age")
    with console.capture() as capture:
        if rows:
            _print_rows(
                console,
                [Text(title, style="dim") for title in heading],
                rows,
                [_narrow_flow(flow, now) for flow in listed.flows],
            )
    text = printed(capture.get())
    return text, fit_encoding(text)


def lines_on_rest(listed: FlowRunList) -> list[str]:
    """Return what is not listed, for stderr: a line each."""
    lines = []
    if not (listed.flow_runs or listed.flows):
        lines.append(f"no flow run of {one_line(listed.provider)} matches")
    if listed.more:
        lines.append(f"{listed.more:,} more; --last N or --all lists them")
    if listed.unseen:
        lines.append(f"{listed.unseen:,} older ones were not looked at; --all looks at them, too")
    return lines


def _print_rows(
    console: Console, heading: Cells, rows: Sequence[Cells], narrow: Sequence[Text]
) -> None:
    """Print rows as columns if they fit; on a narrow terminal, each as two lines.

    Args:
        console: where they are printed.
        heading: of the columns.
        rows: the cells of each.
        narrow: two lines for each row whose cells say nothing without the heading.
    """
    kept = [number for number in range(len(heading)) if any(row[number].plain for row in rows)]
    columns = [[cells[number] for number in kept] for cells in (heading, *rows)]
    widths = [max(cell_len(row[n].plain) for row in columns) for n in range(len(kept))]
    fits = sum(widths) + len(_GAP) * (len(widths) - 1) <= console.width
    if fits or not console.is_terminal:
        for row in columns:
            _print_line(console, _padded(row, widths))
        return
    for lines in narrow:
        _print_line(console, lines)
    if narrow:
        return
    head = [number for number in range(len(kept)) if kept[number] < _HEAD]
    for row in columns[1:]:
        first = [row[number] for number in head]
        rest = [row[number] for number in range(len(kept)) if number not in head]
        _print_line(console, _padded(first, [widths[number] for number in head]))
        if any(cell.plain for cell in rest):
            second = Text(_GAP).join(cell for cell in rest if cell.plain)
            _print_line(console, Text.assemble(_INDENT, second))


_HEAD = 4
"""The cells of the first line of two: which flow run, its state, its age and its user."""


def _print_line(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line, soft_wrap=True)


def _padded(row: Cells, widths: Sequence[int]) -> Text:
    cells = [
        Text.assemble(cell, " " * (width - cell_len(cell.plain)))
        for cell, width in zip(row, widths, strict=True)
    ]
    return Text(_GAP).join(cells)


def _flow_run(run: FlowRunInList, now: datetime) -> Cells:
    state = run.state or "unreadable"
    return (
        Text(one_line(run.pathspec), style="bold"),
        Text(state, style=_STYLES.get(state, "yellow")),
        Text(_age(run.started_at, now)),
        Text(one_line(run.user)),
        Text(one_line(", ".join(run.tags)), style="cyan"),
        Text("; ").join(map(_sync, run.syncs)) if run.syncs else Text(one_line(run.reason)),
    )


def _sync(sync: Sync) -> Text:
    state = sync.entry.sync_state
    where = Text(one_line(_project(sync.entry.destination)))
    if state is not SyncState.SYNCED:
        return Text.assemble(where, " ", (_LABELS[state], "red" if state.is_open else "dim"))
    if sync.lost:
        return Text.assemble(where, " ", (count(sync.lost, "loss"), "yellow"))
    return where


def _project(destination: Destination) -> str:
    parts = (destination.entity, destination.project)
    return "/".join(part for part in parts if part)


def _flow(flow: FlowInList, now: datetime) -> Cells:
    return (
        Text(one_line(flow.flow), style="bold"),
        Text("" if flow.reason else f"{flow.runs:,}"),
        Text("" if flow.reason else f"{flow.synced:,}"),
        Text(one_line(flow.newest or flow.reason)),
        Text(_age(flow.started_at, now)),
    )


def _narrow_flow(flow: FlowInList, now: datetime) -> Text:
    """Return the two lines of a flow on a narrow terminal, where there is no heading."""
    name = Text(one_line(flow.flow), style="bold")
    if flow.reason:
        return Text.assemble(name, f"\n{_INDENT}{one_line(flow.reason)}")
    lines = [f"{_GAP}{count(flow.runs, 'run')}, {flow.synced:,} synced"]
    if flow.newest:
        lines.append(f"newest {one_line(flow.newest)}{_GAP}{_age(flow.started_at, now)}")
    return Text.assemble(name, f"\n{_INDENT}".join(lines))


def _age(started_at: int, now: datetime) -> str:
    """Return an age in a few letters, as in `49m`: the columns have to fit."""
    if not started_at:
        return ""
    number, unit = format_duration(max(0.0, now.timestamp() - started_at / 1000)).split()
    return f"{number}{unit[0]}"
