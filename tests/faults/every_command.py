"""Every command of mfwb, with arguments that work, as the command line itself lists them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import click

from mfwb.cli.app import mfwb
from tests.support.sandbox import Finished, Sandbox
from tests.support.warm import Constraints

__all__ = ["BUG", "Place", "assert_no_bug", "command_lines", "commands"]

BUG = 70
_KNOWN_CODES = frozenset({0, 1, 2, 4, 5, 6})
_LINES = 4  # on stderr: an error, and hints
_ARGUMENTS: Mapping[str, str] = {
    "pathspecs": "{flow_run}",
    "pathspec": "{flow_run}",
    "flows": "TwoFlow",
    "flow": "TwoFlow",
    "bundle": "bundle",
    "file": "mfwb.toml",
}
"""By the name of an argument in the command line: what it is given."""

_OF_ONE_COMMAND = {("explain", "pathspec"): "{flow_run}/start/number"}
_VARIANTS = {
    "sync": (("--mode", "offline", "--dir", "made", "--entity", "acme"),),
    "forget": (("--delete-in-wandb",),),
    "open": (("--project", "p"),),
}
"""Further options, with which a command does something else."""

_TIMEOUT = "2s"
_OF_PYTHON_ITSELF = "Invalid -W option ignored: "  # it says so before mfwb begins


def commands() -> dict[str, click.Command]:
    """Return every command that does something, by its words: `config show`."""
    return dict(_leaves("", mfwb))


def _leaves(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words.strip(), command
        return
    for name, inner in command.commands.items():
        yield from _leaves(f"{words} {name}", inner)


def command_lines(flow_run: str) -> dict[str, tuple[str, ...]]:
    """Return a command line for each command, and for each of its variants, by a name."""
    lines = {}
    for words, command in commands().items():
        line = (*words.split(), *_arguments(words, command, flow_run))
        lines[words] = line
        for number, variant in enumerate(_VARIANTS.get(words, ()), 1):
            lines[f"{words} {number}"] = (*line, *variant)
    return lines


def _arguments(words: str, command: click.Command, flow_run: str) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield _value(words, parameter).format(flow_run=flow_run)
        elif "--timeout" in parameter.opts:
            yield from ("--timeout", _TIMEOUT)
        elif "--rounds" in parameter.opts:
            yield from ("--rounds", "1")
        elif "--yes" in parameter.opts:
            yield "--yes"
        elif parameter.required:
            yield from (parameter.opts[-1], _value(words, parameter))


def _value(words: str, parameter: click.Parameter) -> str:
    name = str(parameter.name)
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter, click.Option):
        return "written"
    return _OF_ONE_COMMAND.get((words, name)) or _ARGUMENTS[name]


class Place:
    """A folder with a bundle and a settings file, in which commands are run."""

    def __init__(self, sandbox: Sandbox, flow_run: str) -> None:
        self.sandbox = sandbox
        self.lines = command_lines(flow_run)

    def run(
        self,
        command: str,
        *options: str,
        constraints: Constraints | None = None,
        cold: bool = False,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Finished:
        """Run a command to its end; in a new Python if it is cold."""
        arguments = (*self.lines[command], *options)
        if cold:
            return self.sandbox.run(sys.executable, "-m", "mfwb", *arguments, **environment)
        return self.sandbox.constrained_mfwb(
            constraints or Constraints(), *arguments, **environment
        )

    def bugs(self) -> list[Path]:
        """Return the logs of bugs that are there."""
        return list(self.sandbox.root.rglob("bug-*"))


_WARNING_OF_A_PACKAGE = re.compile(
    r"^\S+/site-packages/\S+\.py:\d+: \w+Warning: .*\n(?:  .*\n)?", re.MULTILINE
)
"""What Python's development mode shows of Metaflow's and W&B's packages, and of theirs."""


def problem_of(done: Finished, *, is_mute: bool = False) -> str:
    """Return what is wrong with the end of a command; empty if nothing is.

    Args:
        done: the command.
        is_mute: whether nothing that it writes can arrive.
    """
    text = _WARNING_OF_A_PACKAGE.sub("", done.err)
    lines = [line for line in text.splitlines() if not line.startswith(_OF_PYTHON_ITSELF)]
    if done.code not in _KNOWN_CODES:
        return f"code {done.code}"
    if "Traceback" in done.err + done.out or "bug in mfwb" in done.err + done.out:
        return "it shows a bug"
    if foreign := [line for line in lines if not line.startswith("mfwb: ")]:
        return f"not ours: {foreign[0]}"
    if len(lines) > _LINES:
        return f"{len(lines)} lines"
    if done.code != 0 and not done.err and not done.out and not is_mute:
        return "silent"
    return ""


def assert_no_bug(place: Place, done: Finished, *, is_mute: bool = False) -> None:
    """Assert that a command ended as commands do, whatever was wrong."""
    problem = problem_of(done, is_mute=is_mute)
    assert not problem, f"{problem}, {done.code}\n{done.err}\n{done.out[-2000:]}"
    assert place.bugs() == []
