"""All commands of `mfwb`, with `--json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mfwb.cli.app import mfwb
from mfwb.cli.exit import end
from mfwb.report.json_schema import DOCUMENTS

NO_DOCUMENT = {"completion"}
"""Commands that print no result: a script for a shell."""


def commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each command that does something, with its name as in `config trust`."""
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from commands(one, f"{name} {inner}".strip())
    else:
        yield name, command


COMMANDS = {name: one for name, one in commands(mfwb) if name not in NO_DOCUMENT}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_json(name: str) -> None:
    """Each command has `--json`, and a schema of what it prints then."""
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert "--json" in options
    assert name.replace(" ", "-").removesuffix("-show") in DOCUMENTS


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("wrong", ["usage", "settings"])
def test_after_an_error_stdout_has_no_text(
    name: str,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is empty, or has a document that says what is wrong; stderr has the line if not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path / "state"))
    if wrong == "settings":
        Path("mfwb.toml").write_text("granularity = 'steps'\n", encoding="utf-8")
    arguments = ["--nosuch"] if wrong == "usage" else list(required_by(COMMANDS[name]))
    code = end(mfwb, [*name.split(), *arguments, "--json"])
    out, err = capfd.readouterr()

    if out:
        document: dict[str, Any] = json.loads(out)
        assert document["version"] == 1
        assert wrong == "settings"
    else:
        assert code in {1, 2}
        assert err.startswith("mfwb: ")
        assert len(err.splitlines()) == 1


def required_by(command: click.Command) -> Iterator[str]:
    """Yield the arguments that a command can't do without."""
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and (parameter.required or parameter.nargs < 0):
            yield "Flow/1/train/model" if command.name == "explain" else "Flow/1"


def test_settings_without_a_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mfwb config --json` is `mfwb config show --json`."""
    monkeypatch.chdir(tmp_path)
    assert end(mfwb, ["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["command"] == "config"

    assert end(mfwb, ["config", "--json", "trust"]) == 2
    assert capsys.readouterr().err.startswith("mfwb: give --json at the end: config trust --json. ")


def test_a_required_option_is_missed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default of None is a value to click, so that none is given to these options."""
    monkeypatch.chdir(tmp_path)

    assert end(mfwb, ["backfill", "--all"]) == 2
    assert capsys.readouterr().err.startswith("mfwb: Missing option '--shards'. ")
