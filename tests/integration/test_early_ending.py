"""mfwb is told to end while it still imports its modules."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

_PROGRAM = """
import os, runpy, sys

def send(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), number)

how, number, module = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.argv[1:] = ["--version"]
sys.addaudithook(send)
if how == "script":
    from mfwb.cli import main
    main()
runpy.run_module("mfwb", run_name="__main__", alter_sys=True)
"""


_SIGNALS = (
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "terminated"),
    (signal.SIGHUP, 129, "its terminal or session was closed"),
)
_SAMPLE = {
    (signal.SIGINT, "mfwb.cli.app", "script"),
    (signal.SIGTERM, "click.core", "module"),
    (signal.SIGHUP, "mfwb.cli.commands.sync", "script"),
}


@pytest.mark.parametrize(
    ("sent", "code", "line", "module", "how"),
    [
        pytest.param(
            *(sent, code, line, module, how),
            marks=() if (sent, module, how) in _SAMPLE else pytest.mark.exhaustive,
        )
        for sent, code, line in _SIGNALS
        for module in ("mfwb.cli.app", "click.core", "mfwb.cli.commands.sync")
        for how in ("script", "module")
    ],
)
def test_ended_while_it_imports(  # noqa: PLR0913, PLR0917 - they say what happens
    sandbox: Sandbox, how: str, module: str, sent: signal.Signals, code: int, line: str
) -> None:
    """One line and the exit code, as later; no traceback."""
    done = sandbox.run(*_program(sandbox.root), how, str(int(sent)), module)

    assert (done.code, done.out) == (code, "")
    assert done.err == f"mfwb: {line}; run it again to carry on\n"


@pytest.mark.parametrize("how", ["script", pytest.param("module", marks=pytest.mark.exhaustive)])
def test_who_ignores_a_signal_may(sandbox: Sandbox, how: str) -> None:
    """As with `nohup`."""
    program = _program(sandbox.root)
    ignoring = ("env", "--ignore-signal=HUP", *program)

    done = sandbox.run(*ignoring, how, str(int(signal.SIGHUP)), "mfwb.cli.app")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("mfwb ")


def _program(folder: Path) -> tuple[str, str]:
    path = folder / "program.py"
    path.write_text(_PROGRAM, encoding="utf-8")
    return sys.executable, str(path)
