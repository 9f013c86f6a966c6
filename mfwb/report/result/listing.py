"""A list of many flow runs: one line each, and the number of those with nothing to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.report.fit import fit_name, print_wrapped, wrap_text
from mfwb.report.format import count, human_seconds, human_size, project_path
from mfwb.report.result.changes import change_lines
from mfwb.safe_text import one_line

__all__ = ["STATUS_STYLES", "list_of"]

STATUS_STYLES = {
    Status.PLANNED: "bold cyan",
    Status.SYNCED: "bold green",
    Status.UNCHANGED: "green",
    Status.SKIPPED: "bold yellow",
    Status.FAILED: "bold red",
}

_FOLDED = (Status.UNCHANGED, Status.SKIPPED)
"""There was nothing to do, or not yet, so only their number is shown."""

_GAP = "  "
_LONGEST_NAME = 200  # letters; the column is as wide as the longest name
_NARROW = 20  # columns that a reason gets at least
_SHORTEST_NAME = 12  # columns that a name gets at least


def list_of(
    flow_runs: Sequence[FlowRunOutcome], console: Console, *, unchanged: int = 0
) -> list[str]:
    """Return the lines of a list, in the colours of a console and wrapped to its width.

    There are `unchanged` more flow runs with nothing to do.

    Rich's own tables take a second for a thousand flow runs, so the columns are made here.
    """
    shown = [flow_run for flow_run in flow_runs if flow_run.status not in _FOLDED]
    return [*_rows(shown, console), *_folded(flow_runs, console, unchanged)]


def _rows(flow_runs: Sequence[FlowRunOutcome], console: Console) -> Iterator[str]:
    names = _names(flow_runs, console)
    name_width = max(map(cell_len, names), default=0)
    status_width = max((len(flow_run.status.value) for flow_run in flow_runs), default=0)
    indent = name_width + status_width + 2 * len(_GAP)
    width = max(_NARROW, console.width - indent)
    bold = _painter("bold", console)
    painters = {status: _painter(style, console) for status, style in STATUS_STYLES.items()}
    for flow_run, name in zip(flow_runs, names, strict=True):
        cell = bold(name) + " " * (name_width - cell_len(name))
        status = painters[flow_run.status](flow_run.status.value)
        padding = " " * (status_width - len(flow_run.status.value))
        first, *more = wrap_text(Text(_brief(flow_run)), width, console)
        yield f"{cell}{_GAP}{status}{padding}{_GAP}{first.plain}"
        yield from (" " * indent + line.plain for line in more)


def _names(flow_runs: Sequence[FlowRunOutcome], console: Console) -> list[str]:
    """Return the names, at most so long that what follows them has some room."""
    others = max(map(len, (status.value for status in Status))) + 2 * len(_GAP) + _NARROW
    width = max(_SHORTEST_NAME, console.width - others)
    names = [one_line(flow_run.pathspec, _LONGEST_NAME) for flow_run in flow_runs]
    if all(name.isascii() and len(name) <= width for name in names):
        return names
    return [fit_name(Text(name), width, console).plain for name in names]


def _folded(flow_runs: Sequence[FlowRunOutcome], console: Console, unchanged: int) -> Iterator[str]:
    groups = Counter(
        (run.status, run.reason) if run.status is Status.SKIPPED else (run.status, None)
        for run in flow_runs
        if run.status in _FOLDED
    )
    if unchanged:
        groups[Status.UNCHANGED, None] += unchanged
    for (status, reason), number in sorted(groups.items(), key=lambda group: -group[1]):
        text = Text.assemble(
            f"{count(number, 'flow run')} ",
            (status.value, STATUS_STYLES[status]),
            f": {one_line(reason)}" if reason else "",
        )
        with console.capture() as capture:
            print_wrapped(text, console, hanging=len(_GAP))
        yield from capture.get().removesuffix("\n").split("\n")


def _brief(flow_run: FlowRunOutcome) -> str:
    if flow_run.status is Status.FAILED:
        return one_line(flow_run.reason or "no reason was recorded")
    parts = [count(len(flow_run.wandb_runs), "W&B run")]
    if flow_run.change is not None:
        parts.insert(0, next(change_lines(flow_run), flow_run.change.value))
    if flow_run.bytes_written:
        parts.append(human_size(flow_run.bytes_written))
    if flow_run.seconds is not None:
        parts.append(human_seconds(flow_run.seconds))
    parts.append(project_path(flow_run))
    if flow_run.all_losses:
        parts.append(count(len(flow_run.all_losses), "loss"))
    return ", ".join(parts)


def _painter(style: str, console: Console) -> Callable[[str], str]:
    """Return a function that puts text between the codes of a style; Rich computes them once."""
    with console.capture() as capture:
        console.print(Text("x", style=style), end="")
    before, _, after = capture.get().partition("x")
    return lambda text: f"{before}{text}{after}"
