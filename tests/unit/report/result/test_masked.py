"""The list of items in which secrets were masked."""

from __future__ import annotations

import io

from rich.console import Console

from mfwb.redaction import Masked
from mfwb.report.result.masked import print_masked


def printed(*items: Masked, whole: bool = False) -> list[str]:
    """Return the printed lines."""
    out = io.StringIO()
    print_masked(items, Console(file=out, width=80), whole=whole, indent=2)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_names_and_marks() -> None:
    """Each item with the number of its marks, if there are several."""
    assert printed(Masked("F/1/start/1/token"), Masked("F/1/start/1 log", 1200)) == [
        "  2 items with masked secrets",
        "    F/1/start/1/token",
        "    F/1/start/1 log (1,200 times)",
    ]


def test_a_name_steers_no_terminal() -> None:
    """Control characters are escaped, and a name is one line."""
    [_, line] = printed(Masked("F/1/\x1b[31mred\nline"))

    assert "\x1b" not in line


def test_many_are_cut() -> None:
    """Unless all are asked for; a single one more is no reason to cut."""
    many = [Masked(f"F/1/start/1/key{number}") for number in range(12)]

    assert printed(*many)[-1] == "    and 2 more (--verbose)"
    assert len(printed(*many)) == 12
    assert len(printed(*many, whole=True)) == 13
    assert len(printed(*many[:11])) == 12
