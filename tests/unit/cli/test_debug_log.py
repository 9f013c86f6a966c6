"""The log for debugging: what is done, without secrets, on stderr or in a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import click
import pytest

from mfwb.cli.debug_log import log_on_stderr, log_to_file
from mfwb.errors import UsageError
from mfwb.operations import note_operation, noted


def context() -> click.Context:
    """Return the context of a command."""
    return click.Context(click.Command("sync"))


def test_each_operation_is_a_line_of_the_file(tmp_path: Path) -> None:
    """The file is the user's own, and is appended to; after the command, nothing is."""
    file = tmp_path / "debug.log"
    for _ in range(2):
        with context() as ctx:
            log_to_file(ctx, file)
            with noted("W&B", "list the runs of acme/wines"):
                note_operation("datastore", "open Flow/1/start", 0.25)
    note_operation("datastore", "open Flow/2/start")

    lines = file.read_text().splitlines()

    assert len(lines) == 10
    assert lines[0].split()[2:4] == ["command", "mfwb"]
    assert lines[1].endswith("W&B                 list the runs of acme/wines: begins")
    assert lines[2].endswith("open Flow/1/start  0.250 s")
    assert "list the runs of acme/wines: done" in lines[3]
    assert lines[4].endswith("ended")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_error_that_ended_the_command_is_in_it(tmp_path: Path) -> None:
    """Who reads the log sees how it ended."""
    file = tmp_path / "debug.log"

    @click.command()
    @click.pass_context
    def sync(ctx: click.Context) -> None:
        log_to_file(ctx, file)
        raise UsageError("there is no bundle")

    with pytest.raises(UsageError):
        sync.main([], standalone_mode=False)

    assert file.read_text().endswith("ended by UsageError: there is no bundle\n")


def test_secrets_are_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By value and by form, and no line can steer a terminal or look like two."""
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef" * 2 + "01234567")
    file = tmp_path / "debug.log"
    with context() as ctx:
        log_to_file(ctx, file)
        note_operation("W&B", f"key {os.environ['WANDB_API_KEY']}")
        note_operation("metadata service", "GET https://ann:pa55word@host/x?token=abc123def456")
        note_operation("datastore", "open \x1b[2J\nfake line")

    text = file.read_text()

    assert "0123456789abcdef" not in text
    assert "pa55word" not in text
    assert "abc123def456" not in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5


def test_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """-vv writes the same there."""
    with context() as ctx:
        log_on_stderr(ctx)
        note_operation("ledger", "write Flow/1 as synced")

    captured = capfd.readouterr()

    assert "write Flow/1 as synced" in captured.err
    assert captured.out == ""


def test_both_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each has one line for the beginning, each operation and the end."""
    with context() as ctx:
        log_on_stderr(ctx)
        log_to_file(ctx, tmp_path / "log")
        note_operation("ledger", "write Flow/1 as synced")

    for text in (capfd.readouterr().err, (tmp_path / "log").read_text()):
        assert [line.split()[2] for line in text.splitlines()] == ["command", "ledger", "command"]


@pytest.mark.parametrize("name", ["", "no/such/folder/file", "nul\0", "pipe"])
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """It is refused at once, before anything is done; so is a pipe that nobody reads."""
    os.mkfifo(tmp_path / "pipe")
    with context() as ctx, pytest.raises(UsageError, match=r"--log-file .*: "):
        log_to_file(ctx, tmp_path / name)
