"""How progress is shown, for each kind of stderr."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Mapping

import pytest

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.report.progress import progress_on_stderr
from tests.unit.report.progress.streams import Terminal

FORCED = {
    "FORCE_COLOR": "1",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "1",
    "CLICOLOR_FORCE": "1",
    "PY_COLORS": "1",
    "COLORTERM": "truecolor",
}
XTERM = {"TERM": "xterm-256color"}


def shown(
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    *,
    quiet: bool = False,
) -> str:
    """Return what is written on a stderr."""
    for name in (*FORCED, "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_on_stderr(quiet=quiet) as progress:
        progress.selected(2)
        progress.finished(FlowRunOutcome("F/1", Status.FAILED, reason="gone"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "variables"),
    [
        (io.StringIO, XTERM),
        (io.StringIO, {**XTERM, **FORCED}),
        (Terminal, {"TERM": "dumb"}),
        (Terminal, {"TERM": "dumb", **FORCED}),
        (Terminal, {}),
        (Terminal, {**XTERM, "TTY_INTERACTIVE": "0"}),
    ],
)
def test_whole_lines(
    stream: type[io.StringIO], variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can move there is no control character, whatever a variable says."""
    assert shown(stream(), monkeypatch, variables) == "mfwb: F/1 failed: gone\n"


@pytest.mark.parametrize("variables", [XTERM, {**XTERM, "NO_COLOR": "1"}])
def test_a_line_that_moves(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it does, and has no colour in any case."""
    text = shown(Terminal(), monkeypatch, variables)

    # Under load, the line may have been drawn before; that is removed.
    lines = next(drawn for drawn in text.split("\r\x1b[J") if "\n" in drawn)
    assert lines.startswith("mfwb: F/1 failed: gone\nfinishing  ")
    assert text.endswith("\r\x1b[J")
    assert "\x1b[3" not in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_quiet(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is nothing at all."""
    assert shown(stream(), monkeypatch, XTERM, quiet=True) == ""


def test_a_notebook_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython says so by a function that it adds to the builtins."""

    class ZMQInteractiveShell:
        """What rich looks for."""

    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)

    assert shown(io.StringIO(), monkeypatch, XTERM) == ""
