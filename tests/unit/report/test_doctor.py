"""The text of a diagnosis."""

from __future__ import annotations

import io
import json

import pytest

from mfwb.diagnosis.check import Diagnosis, failed, passed, skipped, warned
from mfwb.report.console import PrintableConsole
from mfwb.report.doctor import show_diagnosis
from mfwb.settings_in_force import SettingInForce

_DIAGNOSIS = Diagnosis(
    (
        passed("Versions", "mfwb", "1.2.3"),
        warned("W&B", "clock", "an hour ahead", "set it by NTP"),
        failed("W&B", "credentials", "from netrc: refused", "run `wandb login`", 4),
        skipped("W&B", "project", "W&B accepts no credentials"),
    ),
    (
        SettingInForce("workers", 3, "/home/ann/mfwb.toml", "file"),
        SettingInForce("strict", False, "default", "default"),  # noqa: FBT003 - a value
    ),
)


def shown(width: int, *, verbose: bool = False) -> str:
    """Return the text for a terminal of that width."""
    console = PrintableConsole(io.StringIO(), width=width)
    return show_diagnosis(_DIAGNOSIS, console=console, as_json=False, verbose=verbose)[0]


def test_text() -> None:
    """Groups, then what is set, then a last line; advice below what it is about."""
    assert (
        shown(80)
        == """\
Versions
  ok       mfwb         1.2.3

W&B
  warning  clock        an hour ahead
                        > set it by NTP
  FAILED   credentials  from netrc: refused
                        > run `wandb login`
  skipped  project      W&B accepts no credentials

Settings in force
  workers  3  /home/ann/mfwb.toml
  all others have their defaults

4 checks: 1 ok, 1 with a warning, 1 failed, 1 skipped
"""
    )


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_too_wide(width: int) -> None:
    """Long texts continue below themselves."""
    assert max(map(len, shown(width).splitlines())) <= width


def test_defaults_with_verbose() -> None:
    """They are shown, too, with that as their origin."""
    assert "strict   false  default" in shown(80, verbose=True)
    assert "all others" not in shown(80, verbose=True)


def test_json() -> None:
    """The document is that of the diagnosis."""
    console = PrintableConsole(io.StringIO(), width=80)

    text, plain = show_diagnosis(_DIAGNOSIS, console=console, as_json=True)

    assert json.loads(text) == json.loads(plain) == _DIAGNOSIS.to_dict()
