"""Whether a command line of a page is one that mfwb takes; nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from mfwb.cli.app import mfwb

__all__ = ["all_options", "calls_of", "problem_of"]

_END = re.compile(r"[|;&>]+|<|\)")
_IN_FRONT = re.compile(r"[A-Z_]+=.*|[*/\d,]+|run:|-|time|uvx")
_PROGRAM = re.compile(r"(ExecStart=)?([\w./-]*/)?mfwb")
_SUBSTITUTED = re.compile(r"\$\(\([^)]*\)[^)]*\)|\$\([^()]*\)|\$\{\{.*?\}\}")


def calls_of(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of mfwb in a command line."""
    line = _SUBSTITUTED.sub("1", line.removeprefix("$ "))
    if re.match(r"\s*(command: )?\[mfwb, ", line):
        inside = line.partition("[")[2].rpartition("]")[0]
        yield [word.strip() for word in inside.split(",")][1:]
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not _END.match(word):
            words.append(word)
            continue
        while words and _IN_FRONT.fullmatch(words[0]):
            del words[0]
        if words and _PROGRAM.fullmatch(words[0]):
            yield words[1:]
        words = []


def all_options() -> set[str]:
    """Return the long options of all commands."""
    context = click.Context(mfwb)
    commands: list[click.Command] = [mfwb]
    result: set[str] = {"--help"}
    while commands:
        command = commands.pop()
        if isinstance(command, click.Group):
            found = [command.get_command(context, name) for name in command.list_commands(context)]
            commands += [one for one in found if one is not None]
        for parameter in command.params:
            result |= {*parameter.opts, *parameter.secondary_opts}
    return result


def problem_of(arguments: list[str], *, whole: bool = True) -> str | None:
    """Return why mfwb would refuse the arguments before it does anything; None if it takes them.

    Args:
        arguments: of one call.
        whole: false for a call in a sentence, which may lack arguments.
    """
    context = click.Context(mfwb, info_name="mfwb")
    command: click.Command = mfwb
    given = arguments
    try:
        while isinstance(command, click.Group) and given and not given[0].startswith("-"):
            name, found, given = command.resolve_command(context, given)
            assert found is not None
            command = found
            context = click.Context(command, info_name=name, parent=context)
        command.make_context(context.info_name, given, parent=context.parent)
    except click.exceptions.Exit:
        return None  # help, or the version
    except (click.MissingParameter, click.BadOptionUsage) as error:
        return error.format_message() if whole else None
    except click.UsageError as error:
        return error.format_message()
    return None
