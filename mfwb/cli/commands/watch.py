"""`mfwb watch`."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.streams import is_stdout_lost, write_out

if TYPE_CHECKING:
    from mfwb.sync_process import FinishedSync

__all__ = ["watch"]

_EXAMPLES = """\
mfwb watch --entity team
mfwb watch TrainFlow --since 30d --every 10m
mfwb watch --every 1m --tag prod --json
"""

_GIVEN = "mfwb.watch.arguments"
_OWN = ("pause", "rounds", "as_json")
_WRONG_USAGE = 2
_DEFAULT_SINCE = "7d"


class _WatchCommand(Command):
    """A command that keeps its arguments as they were typed, since each sync gets them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_GIVEN] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=_WatchCommand, epilog=_EXAMPLES)
@options.flow_run_selection
@options.destination
@options.artifact_handling
@options.sync_behavior
@options.watch_rounds
@options.text_or_json
@click.pass_context
def watch(
    context: click.Context,
    /,
    *,
    pause: float,
    rounds: int | None,
    as_json: bool,
    quiet: bool,
    **_: Any,
) -> int:
    """Sync new flow runs again and again.

    Each sync is a process of its own, with the options given here. Without --since,
    --last and --all: the flow runs of the last seven days. Ends by Ctrl-C or SIGTERM.
    """
    from mfwb.sync_process import SyncStopped, run_sync  # noqa: PLC0415 - not needed for help
    from mfwb.watch import ServiceManager, pause_seconds  # noqa: PLC0415 - the same

    arguments = _sync_arguments(context)
    manager, chance = ServiceManager(), random.Random()  # noqa: S311 - no secret
    manager.ready()
    try:
        for number in count(1):
            manager.status("syncing")
            done = run_sync(arguments)
            if number == 1 and done.exit_code == _WRONG_USAGE:
                return done.exit_code  # it will not get better by itself
            seconds = None if number == rounds else pause_seconds(pause, chance)
            line = _describe(done, seconds)
            if as_json and done.document:
                write_out(f"{json.dumps(done.document)}\n")
            elif not (as_json or quiet):
                write_out(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")
            if seconds is None or is_stdout_lost():
                return done.exit_code
            manager.status(line)
            time.sleep(seconds)
    except SyncStopped as stop:  # the sync has said so
        return stop.exit_code
    finally:
        manager.stopping()
    return 0


def _sync_arguments(context: click.Context) -> list[str]:
    """Return the arguments that were given, without those that are about the watch itself."""
    parser = context.command.make_parser(context)
    given, _, _ = parser.parse_args(list(context.meta[_GIVEN]))
    options = [item for item in context.command.params if isinstance(item, click.Option)]
    arguments = [
        text
        for option in options
        if option.name in given and option.name not in _OWN
        for text in _typed(option, given[option.name])
    ]
    pathspecs: tuple[str, ...] = context.params["pathspecs"]
    has_time = any(context.params[name] for name in ("since", "last", "every"))
    if not has_time and not any("/" in pathspec for pathspec in pathspecs):
        arguments.append(f"--since={_DEFAULT_SINCE}")
    return [*arguments, "--", *pathspecs]


def _typed(option: click.Option, value: Any) -> Iterator[str]:
    """Yield an option as one would type it."""
    name = max(option.opts, key=len)
    if option.count:
        yield from [name] * int(value)
    elif option.is_flag:
        yield name if value else max(option.secondary_opts, key=len)
    else:
        for text in value if option.multiple else [value]:
            yield f"{name}={text}"


def _describe(done: FinishedSync, pause: float | None) -> str:
    """Return a line on one sync, and on when the next one starts; None: there is no next one."""
    from mfwb.report.format import human_seconds  # noqa: PLC0415 - not needed for help

    what = ", ".join(f"{number:,} {status}" for status, number in done.counts.items())
    if not what:
        what = "no flow runs" if done.exit_code == 0 else f"no sync (exit code {done.exit_code})"
    following = "" if pause is None else f"; next in {human_seconds(pause)}"
    return f"{what} in {human_seconds(done.seconds)}{following}"
