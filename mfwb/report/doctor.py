"""Diagnosis for people: the checks in groups, the settings in force, and a last line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mfwb.diagnosis import Check, CheckStatus, Diagnosis
from mfwb.report.console import printed
from mfwb.report.fit import Name, Wrapped, print_wrapped
from mfwb.report.json_output import for_any_output
from mfwb.safe_text import fit_encoding, one_line
from mfwb.settings_in_force import DEFAULT, SettingInForce

__all__ = ["show_diagnosis"]

_GAP = (0, 2, 0, 0)
_STATUS_LABELS = {
    CheckStatus.PASSED: ("ok", "green"),
    CheckStatus.WARNED: ("warning", "yellow"),
    CheckStatus.FAILED: ("FAILED", "bold red"),
    CheckStatus.SKIPPED: ("skipped", "dim"),
}
_STATUS_WIDTH = max(len(label) for label, _ in _STATUS_LABELS.values())


def show_diagnosis(
    diagnosis: Diagnosis, *, console: Console, as_json: bool, verbose: bool = False
) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only.

    Args:
        diagnosis: the results of all checks.
        console: the console that text is formatted for.
        as_json: return a JSON document rather than text.
        verbose: also show settings with default values.
    """
    if as_json:
        return for_any_output(diagnosis.to_dict())
    with console.capture() as capture:
        _print(diagnosis, console, verbose=verbose)
    text = printed(capture.get())
    return text, fit_encoding(text)


def _print(diagnosis: Diagnosis, console: Console, *, verbose: bool) -> None:
    width = max((len(check.name) for check in diagnosis.checks), default=0)
    for group, checks in groupby(diagnosis.checks, key=lambda check: check.group):
        console.print(Text(group, style="bold"))
        console.print(_table(checks, width))
        console.print()
    _print_settings(diagnosis.settings, console, verbose=verbose)
    print_wrapped(Text(_last_line(diagnosis), style="bold"), console)


def _table(checks: Iterable[Check], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=_GAP, show_header=False)
    table.add_column(no_wrap=True, min_width=_STATUS_WIDTH + 2)
    table.add_column(min_width=width)
    table.add_column()
    for check in checks:
        label, style = _STATUS_LABELS[check.status]
        detail = Text(check.detail, style="dim" if check.status is CheckStatus.SKIPPED else "")
        if check.advice:
            detail.append(f"\n{_sentence(check.advice)}", style="cyan")
        table.add_row(Text(f"  {label}", style=style), Wrapped(Text(check.name)), Wrapped(detail))
    return table


def _sentence(advice: str) -> str:
    return f"> {advice}"


def _print_settings(settings: Iterable[SettingInForce], console: Console, *, verbose: bool) -> None:
    shown = [setting for setting in settings if verbose or setting.kind != DEFAULT]
    if not shown:
        return
    console.print(Text("Settings in force", style="bold"))
    table = Table(box=None, pad_edge=False, padding=_GAP, show_header=False)
    for _ in range(3):
        table.add_column()
    for setting in shown:
        table.add_row(
            Padding(Name(Text(one_line(setting.name))), (0, 0, 0, 2), expand=False),
            Wrapped(Text(one_line(json.dumps(setting.value, default=str)))),
            Wrapped(Text(one_line(setting.source), style="dim")),
        )
    console.print(table)
    if not verbose:
        console.print(Text("  all others have their defaults", style="dim"))
    console.print()


def _last_line(diagnosis: Diagnosis) -> str:
    count = diagnosis.count
    total = f"{len(diagnosis.checks)} checks"
    rest = [
        f"{count(status)} {label}"
        for status, label in (
            (CheckStatus.PASSED, "ok"),
            (CheckStatus.WARNED, "with a warning"),
            (CheckStatus.FAILED, "failed"),
            (CheckStatus.SKIPPED, "skipped"),
        )
        if count(status)
    ]
    return f"{total}: {', '.join(rest)}"
