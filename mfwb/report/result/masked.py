"""The list of items in which secrets were masked: names, and never values."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mfwb.redaction import Masked
from mfwb.report.format import count
from mfwb.safe_text import one_line

__all__ = ["print_masked"]

_SHOWN = 10


def print_masked(masked: Sequence[Masked], console: Console, *, whole: bool, indent: int) -> None:
    """Print the items in which something was masked.

    Args:
        masked: items of one or several flow runs.
        console: the console to print to.
        whole: print each item, however many there are.
        indent: columns to leave free on the left.
    """
    head = f"{count(len(masked), 'item')} with masked secrets"
    console.print(Padding(Text(head, style="yellow"), (0, 0, 0, indent)))
    shown = masked if whole or len(masked) <= _SHOWN + 1 else masked[:_SHOWN]
    for entry in shown:
        marks = "" if entry.marks == 1 else f" ({entry.marks:,} times)"
        line = f"{' ' * (indent + 2)}{one_line(entry.item)}{marks}"
        console.print(Text(line), soft_wrap=True)
    if len(shown) < len(masked):
        rest = f"{' ' * (indent + 2)}and {len(masked) - len(shown):,} more (--verbose)"
        console.print(Text(rest), soft_wrap=True)
