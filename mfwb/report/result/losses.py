"""The list of losses: items that did not reach W&B, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mfwb.report.format import count
from mfwb.safe_text import one_line
from mfwb.snapshot import Loss

__all__ = ["print_losses"]

_MANY = 20
"""If there are more losses, they are grouped by reason."""

_EXAMPLES = 3
"""The number of items shown for each reason."""


def print_losses(losses: Sequence[Loss], console: Console, *, whole: bool, indent: int) -> None:
    """Print each loss, or, of very many, each reason with some of its items; no reason is cut.

    Args:
        losses: losses of one or several flow runs.
        console: the console to print to.
        whole: print each loss, however many there are.
        indent: columns to leave free on the left.
    """
    if not losses:
        return
    console.print(Padding(Text(count(len(losses), "loss"), style="yellow"), (0, 0, 0, indent)))
    groups = [(loss.reason, [loss.item]) for loss in losses]
    if len(losses) > _MANY and not whole:
        groups = list(_by_reason(losses))
    for reason, items in groups:
        _print_group(one_line(reason), items, console, indent + 2)


def _by_reason(losses: Iterable[Loss]) -> Iterator[tuple[str, list[str]]]:
    by_reason: dict[str, list[str]] = {}
    for loss in losses:
        by_reason.setdefault(loss.reason, []).append(loss.item)
    yield from by_reason.items()


def _print_group(reason: str, items: Sequence[str], console: Console, indent: int) -> None:
    """Print items and their reason, on one line if it fits, else the reason below."""
    shown = items if len(items) <= _EXAMPLES else items[:_EXAMPLES]
    for item in shown[:-1]:
        console.print(Text(" " * indent + one_line(item)), soft_wrap=True)
    last = one_line(shown[-1])
    rest = len(items) - len(shown)
    if rest:
        console.print(Text(" " * indent + last), soft_wrap=True)
        last = f"and {rest:,} more"
    line = Text.assemble(" " * indent, last, (" - ", "dim"), (reason, "yellow"))
    if line.cell_len <= console.width:
        console.print(line)
        return
    console.print(Text(" " * indent + last), soft_wrap=True)
    console.print(Padding(Text(reason, style="yellow", overflow="fold"), (0, 0, 0, indent + 2)))
