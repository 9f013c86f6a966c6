"""The list of items in which secrets were masked: names, and never values."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mfwb.redaction import Masked
from mfwb.report.fit import fit_name, print_wrapped
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
    print_wrapped(Text(head, style="yellow"), console, indent=indent)
    shown = masked if whole or len(masked) <= _SHOWN + 1 else masked[:_SHOWN]
    for entry in shown:
        marks = "" if entry.marks == 1 else f" ({entry.marks:,} times)"
        margin, name = " " * (indent + 2), Text(one_line(entry.item))
        if not whole:
            name = fit_name(name, console.width - len(margin) - len(marks), console)
        console.print(Text.assemble(margin, name, marks), soft_wrap=True)
    if len(shown) < len(masked):
        rest = f"and {len(masked) - len(shown):,} more (--verbose)"
        print_wrapped(Text(rest), console, indent=indent + 2)
