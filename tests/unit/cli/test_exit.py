"""The end of a command: exit codes and messages."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mfwb.cli import main
from mfwb.cli.exit import end
from mfwb.cli.help import Command
from mfwb.errors import LockHeld, NotFound, SinkError, Unreachable, UsageError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the state folder out of the home directory; it is not there yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("MFWB_STATE_DIR", str(folder))
    return folder


def ending(error: BaseException, *arguments: str) -> int:
    """Return the exit code of a command that ends with an error."""

    @click.command(cls=Command)
    @click.argument("words", nargs=-1)
    @click.option("-v", "--verbose", count=True)
    def fail(**_: Any) -> None:
        raise error

    return end(fail, arguments)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (Unreachable, 4),
        (LockHeld, 5),
        (NotFound, 1),
        (SinkError, 1),
    ],
)
def test_errors_that_users_can_act_on(
    error: Callable[[str], Exception], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """An expected error is one line on stderr and its exit code."""
    assert ending(error("what is wrong;\nwhat to do")) == code
    assert capsys.readouterr() == ("", "mfwb: what is wrong; what to do\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sync", "--mode", "x"], "'x' is not one of 'online', 'offline'. See `mfwb sync --help`."),
        (["plan", "--last", "0", "F"], "0 is not in the range x>=1. See `mfwb plan --help`."),
        (["sync", "--config", "/nope", "F"], "'/nope' does not exist. See `mfwb sync --help`."),
        (["sync", "--nonsense"], "See `mfwb sync --help`."),
        (["nonsense"], "See `mfwb --help`."),
        (["lineage"], "Missing argument 'PATHSPEC'. See `mfwb lineage --help`."),
        (["lineage", "F/1", "F/2"], "extra argument (F/2) See `mfwb lineage --help`."),
        (["lineage", "F"], "give F/123 or F/latest, not F"),
        (["lineage", "F/1/a"], "give 'F/1'"),
        (["lineage", "F/1", "--format", "xml"], "'json'. See `mfwb lineage --help`."),
        (["lineage", "F/1", "--format", "mermaid", "--explain"], "See `mfwb lineage --help`."),
        (["sync", "--workers", "65", "F"], "range 1<=x<=64. See `mfwb sync --help`."),
        (["sync", "--max-artifact-size", "9XB", "F"], "like 500MB or 2GB, not '9XB'"),
    ],
)
def test_wrong_usage(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is exit 2 and one line that says what is wrong and where to read on."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()

    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("mfwb: ")
    assert err.endswith(f"{line}\n")
    assert err.count("\n") == 1


def test_no_command_shows_help_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """`mfwb` alone helps, on stderr, and does not pass for success."""
    with pytest.raises(SystemExit) as ended:
        main([])
    out, err = capsys.readouterr()

    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("Usage: mfwb")


def test_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is exit 130 and one line."""
    assert ending(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "mfwb: interrupted; run it again to carry on\n")


@pytest.mark.parametrize("error", [ValueError("odd\nvalue"), BrokenPipeError(32, "x"), EOFError()])
def test_bug(error: Exception, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug is exit 70, one line that names a log, and the log has the traceback."""
    assert ending(error, "F/1") == 70

    (log,) = state.glob("bug-*.log")
    what = " ".join(f"{type(error).__name__}: {error}".split())
    assert capsys.readouterr() == (
        "",
        f"mfwb: this is a bug in mfwb ({what}); report it to the maintainers of mfwb with {log}\n",
    )
    text = log.read_text()
    assert "arguments: F/1\n" in text
    assert "Traceback (most recent call last):" in text
    assert "raise error" in text


def test_what_the_machine_lacks(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk, or no memory, is no bug."""
    assert ending(OSError(errno.ENOSPC, "No space left on device", "a.db")) == 1
    assert capsys.readouterr() == ("", "mfwb: No space left on device: a.db\n")
    assert ending(MemoryError()) == 1
    assert not state.exists()


@pytest.mark.parametrize("verbose", ["--verbose", "-v", "-vv"])
def test_verbose_shows_the_traceback(verbose: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --verbose the traceback of a bug is shown, and the line still comes last."""
    assert ending(ValueError("odd"), verbose) == 70

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("mfwb: this is a bug in mfwb (ValueError: odd)")


def test_bug_without_a_place_for_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If no log can be written, that is said instead."""
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("MFWB_STATE_DIR", str(blocked / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(blocked))

    assert ending(ValueError("odd")) == 70
    assert "no log of it could be written\n" in capsys.readouterr().err
