"""The list of losses: items that did not reach W&B, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from mfwb.report.fit import fit_name, print_wrapped
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
    head = Text(count(len(losses), "loss"), style="yellow")
    print_wrapped(head, console, indent=indent)
    groups = [(loss.reason, [loss.item]) for loss in losses]
    if len(losses) > _MANY and not whole:
        groups = list(_by_reason(losses))
    for reason, items in groups:
        _print_group(one_line(reason), items, console, indent + 2, whole=whole)


def _by_reason(losses: Iterable[Loss]) -> Iterator[tuple[str, list[str]]]:
    by_reason: dict[str, list[str]] = {}
    for loss in losses:
        by_reason.setdefault(loss.reason, []).append(loss.item)
    yield from by_reason.items()


def _print_group(
    reason: str, items: Sequence[str], console: Console, indent: int, *, whole: bool
) -> None:
    """Print items and their reason, on one line if it fits, else the reason below."""
    shown = items if len(items) <= _EXAMPLES else items[:_EXAMPLES]
    lines = [one_line(item) for item in shown]
    if len(shown) < len(items):
        lines.append(f"and {len(items) - len(shown):,} more")
    for line in lines[:-1]:
        _print_item(Text(line), console, indent, whole=whole)
    last = Text.assemble(lines[-1], (" - ", "dim"), (reason, "yellow"))
    if indent + last.cell_len <= console.width:
        print_wrapped(last, console, indent=indent)
        return
    _print_item(Text(lines[-1]), console, indent, whole=whole)
    print_wrapped(Text(reason, style="yellow"), console, indent=indent + 2, whole=whole)


def _print_item(item: Text, console: Console, indent: int, *, whole: bool) -> None:
    shown = item if whole else fit_name(item, console.width - indent, console)
    console.print(Text.assemble(" " * indent, shown), soft_wrap=True)
