"""The options that commands share, in groups. None: not given, so files and variables decide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mfwb.cli.debug_log import log_on_stderr, log_to_file
from mfwb.cli.help import HelpedArgument, HelpedOption

__all__ = [
    "artifact_argument",
    "artifact_filter",
    "artifact_handling",
    "backfill",
    "bundle_argument",
    "config_output",
    "destination",
    "diagnosis",
    "dry_run",
    "flow_run_argument",
    "flow_run_selection",
    "how_a_forget_waits",
    "html_output",
    "lineage_output",
    "online",
    "only_help",
    "pathspec_completion",
    "patience",
    "plan_file",
    "plan_output",
    "project",
    "push_behavior",
    "report_files",
    "result_output",
    "settings_file_argument",
    "shard",
    "source",
    "sync_behavior",
    "text_or_json",
    "verification",
    "verification_output",
    "watch_rounds",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def flow_run_selection(command: _F) -> _F:
    """Add the options that select flow runs."""
    return _add_in_order(
        command,
        _argument(
            "pathspecs",
            "[PATHSPEC]...",
            "Flow/123, Flow/latest, Flow; none: all flows",
            nargs=-1,
            shell_complete=pathspec_completion(),
        ),
        _option(
            "Choose",
            "--since",
            metavar="TIME",
            help="Started in the last 24h, or since 2026-11-01",
        ),
        _option(
            "Choose",
            "--until",
            metavar="TIME",
            help="Started before this time",
        ),
        _option(
            "Choose",
            "-n",
            "--last",
            type=click.IntRange(min=1),
            metavar="N",
            help="The N newest runs of each flow",
        ),
        _flag(
            "Choose",
            "--all",
            "every",
            help="All runs, whenever they started",
        ),
        _option(
            "Choose",
            "--tag",
            "tags",
            multiple=True,
            metavar="TAG",
            help="Only flow runs with this tag; repeatable",
        ),
        _option(
            "Choose",
            "--failed/--no-failed",
            help="Only failed runs, or no failed runs  [both]",
        ),
        _namespace,
    )


def shard(command: _F) -> _F:
    """Add the option for one part of the selected flow runs."""
    return _option(
        "Choose",
        "--shard",
        metavar="I/N",
        help="Of N equal parts, only this one, as 3/20",
    )(command)


def backfill(command: _F) -> _F:
    """Add the options for the shards of a backfill, and for what syncs them."""
    heading = "How"
    return _add_in_order(
        command,
        _option(
            heading,
            "--shards",
            type=click.IntRange(1, 10_000),
            required=True,
            metavar="N",
            help="Parts of about the same work",
        ),
        _option(
            heading,
            "--on",
            "engine",
            type=click.Choice(["local", "metaflow"]),
            default="local",
            help="Processes here, or a Metaflow flow  [local]",
        ),
        _option(
            heading,
            "--processes",
            type=click.IntRange(1, 256),
            metavar="N",
            help="Shards that are synced at once  [cores]",
        ),
    )


def flow_run_argument(command: _F) -> _F:
    """Add the argument for one flow run."""
    pathspec = _argument(
        "pathspec",
        "PATHSPEC",
        "Flow/123 or Flow/latest",
        shell_complete=pathspec_completion(),
    )
    return _add_in_order(command, pathspec, _namespace)


def artifact_argument(command: _F) -> _F:
    """Add the argument for one artifact of a flow run."""
    pathspec = _argument(
        "pathspec",
        "PATHSPEC",
        "Flow/123/train/model, or train/4/model",
        shell_complete=pathspec_completion(levels=3),
    )
    return _add_in_order(command, pathspec, _namespace)


def artifact_filter(command: _F) -> _F:
    """Add the option that shows one artifact alone."""
    return _option(
        "Choose",
        "--artifact",
        metavar="NAME",
        help="Only this artifact: its versions and uses",
    )(command)


def pathspec_completion(
    *, levels: int = 1, latest: bool = True
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes a pathspec in a shell; arguments as of `complete_pathspecs`."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from mfwb.completion import complete_pathspecs  # noqa: PLC0415 - only a shell needs it

        metadata = context.params.get("metadata")
        return complete_pathspecs(incomplete, levels=levels, latest=latest, metadata=metadata)

    return complete


def _complete_destination(
    _: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    from mfwb.completion import complete_destinations  # noqa: PLC0415 - only a shell needs it

    return complete_destinations(parameter.name or "", incomplete)


def destination(command: _F) -> _F:
    """Add the options for the destination of W&B runs."""
    heading = "Where to"
    return _add_in_order(
        command,
        project,
        _option(
            heading,
            "--mode",
            type=click.Choice(["online", "offline"]),
            help="Offline writes a bundle to disk  [online]",
        ),
        _option(
            heading,
            "--dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder of the offline bundle",
        ),
    )


def project(command: _F) -> _F:
    """Add the options for the entity and the project in W&B."""
    heading = "Where to"
    return _add_in_order(
        command,
        _option(
            heading,
            "-e",
            "--entity",
            metavar="NAME",
            help="W&B entity  [your default]",
            shell_complete=_complete_destination,
        ),
        _option(
            heading,
            "-p",
            "--project",
            metavar="NAME",
            help="W&B project  [the flow's name]",
            shell_complete=_complete_destination,
        ),
    )


def artifact_handling(command: _F) -> _F:
    """Add the options for which artifacts are logged, and in which form."""
    heading = "What"
    return _add_in_order(
        command,
        _option(heading, "--datasets/--no-datasets", help="Tables, paths, included files  [on]"),
        _option(heading, "--models/--no-models", help="Models of well-known libraries  [on]"),
        _option(heading, "--others/--no-others", help="All other pickled objects  [on]"),
        _option(
            heading,
            "--granularity",
            type=click.Choice(["step", "task"]),
            help="One W&B run per step, or per task  [step]",
        ),
        _option(
            heading,
            "--overview/--no-overview",
            help="One more W&B run for the flow run  [off]",
        ),
        _option(heading, "--code/--no-code", help="The code package as artifact  [on]"),
        _option(
            heading,
            "--max-artifact-size",
            metavar="SIZE",
            help="Exclude larger ones, as in 2GB  [no limit]",
        ),
        _option(
            heading,
            "--references/--no-references",
            help="Link to Metaflow's bytes  [if too large]",
        ),
        _option(
            heading,
            "--file-references",
            is_flag=True,
            default=None,
            help="The same for a local datastore  [off]",
        ),
        _option(
            heading,
            "--path-root",
            "path_roots",
            multiple=True,
            type=click.Path(),
            callback=_none_if_empty,
            metavar="DIR",
            help="A folder whose files may be sent; repeatable",
        ),
        _option(
            heading,
            "--unpickle",
            type=click.Choice(["safe", "trusted", "never"]),
            metavar="HOW",
            help="Load pickles: safe, trusted, never  [safe]",
        ),
        _option(
            heading,
            "--max-memory",
            metavar="SIZE",
            help="Limit for loading one artifact  [2GB]",
        ),
    )


def sync_behavior(command: _F) -> _F:
    """Add the options for how a sync works."""
    heading = "How"
    return _add_in_order(
        command,
        _workers("W&B runs written at the same time  [64]"),
        _max_requests_per_minute,
        _timeout,
        _wait("Wait for another sync, for at most  [0s]"),
        _on_deleted,
        _option(
            heading,
            "--abandoned-after",
            metavar="DURATION",
            help="Treat silent flow runs as ended after  [24h]",
        ),
        _option(heading, "--force", is_flag=True, help="Write synced flow runs again"),
        _overwrite_edits,
        _strict,
        _config,
        _metadata,
    )


def watch_rounds(command: _F) -> _F:
    """Add the options for how often a watch syncs."""
    heading = "How"
    return _add_in_order(
        command,
        _option(
            heading,
            "--every",
            "pause",
            metavar="DURATION",
            default="5m",
            callback=_seconds,
            help="Pause between two syncs  [5m]",
        ),
        _option(
            heading,
            "--rounds",
            type=click.IntRange(min=1),
            metavar="N",
            help="End after N syncs  [never]",
        ),
    )


_LONGEST_PAUSE = 365 * 24 * 3600.0  # seconds; a process can't sleep for any number of years


def _seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Return a duration in seconds."""
    from mfwb.units.quantities import parse_seconds  # noqa: PLC0415 - not needed for help

    try:
        seconds = float(parse_seconds(value))
    except ValueError as error:
        raise click.BadParameter(str(error), ctx=context, param=parameter) from error
    if not 1 <= seconds <= _LONGEST_PAUSE:
        raise click.BadParameter("from 1s to 365d", ctx=context, param=parameter)
    return seconds


def push_behavior(command: _F) -> _F:
    """Add the options for how a push works."""
    return _add_in_order(
        command,
        _workers("Requests to W&B at the same time  [16]"),
        _timeout,
        _wait("Wait for another push or sync, for at most  [0s]"),
        _on_deleted,
        _overwrite_edits,
        _strict,
        _config,
    )


def verification(command: _F) -> _F:
    """Add the options for how a verification works."""
    heading = "How"
    return _add_in_order(
        command,
        _option(
            heading,
            "--read-data",
            is_flag=True,
            default=False,
            help="Download all files, and compare their bytes",
        ),
        _option(
            heading,
            "--read-data-subset",
            metavar="SUBSET",
            help="Of 5% of the files; 1/20: of group 1 of 20",
        ),
        _option(
            heading,
            "--repair",
            is_flag=True,
            default=False,
            help="Sync what differs, and verify it again",
        ),
        _overwrite_edits,
        _on_deleted,
        _workers("Requests to W&B at the same time  [16]"),
        _timeout,
        _wait("Wait for another sync, for at most  [0s]"),
        _option(
            heading,
            "--abandoned-after",
            metavar="DURATION",
            help="Treat silent flow runs as ended after  [24h]",
        ),
        _config,
        _metadata,
    )


def _workers(text: str) -> Callable[[_F], _F]:
    return _option("How", "--workers", type=click.IntRange(1, 64), metavar="N", help=text)


def _max_requests_per_minute(command: _F) -> _F:
    return _option(
        "How",
        "--max-requests-per-minute",
        type=click.IntRange(min=60),
        metavar="N",
        help="Requests to W&B, at most  [any number]",
    )(command)


def _timeout(command: _F) -> _F:
    return _option(
        "How", "--timeout", metavar="DURATION", help="Retry while W&B fails, for at most  [5m]"
    )(command)


def _wait(text: str) -> Callable[[_F], _F]:
    return _option("How", "--wait", metavar="DURATION", help=text)


def _on_deleted(command: _F) -> _F:
    return _option(
        "How",
        "--on-deleted",
        type=click.Choice(["skip", "recreate", "fail"]),
        metavar="HOW",
        help="Deleted in W&B: skip, recreate, fail  [skip]",
    )(command)


def _overwrite_edits(command: _F) -> _F:
    return _option(
        "How", "--overwrite-edits", is_flag=True, help="Overwrite what people changed in W&B"
    )(command)


def _strict(command: _F) -> _F:
    return _option("How", "--strict", is_flag=True, help="Exit with 3 if anything was lost")(
        command
    )


def source(command: _F) -> _F:
    """Add the options for where flow runs are read from."""
    return _add_in_order(command, _config, _metadata)


def diagnosis(command: _F) -> _F:
    """Add the options of a diagnosis: where it looks, for how long, and what it shows."""
    return _add_in_order(
        command,
        destination,
        _option("How", "--timeout", metavar="DURATION", help="Time limit of each check  [20s]"),
        _config,
        _metadata,
        _json,
        _verbose("Also show the settings with default values"),
        _log_file,
        _help,
    )


def patience(command: _F) -> _F:
    """Add the option for how long a command waits that only reads."""
    return _option(
        "How",
        "--timeout",
        metavar="DURATION",
        help="Retry while Metaflow or W&B fails, at most  [5m]",
    )(command)


def how_a_forget_waits(command: _F) -> _F:
    """Add the options for how flow runs are forgotten."""
    return _add_in_order(
        command, _timeout, _wait("Wait for a running sync, for at most  [0s]"), _config
    )


def dry_run(command: _F) -> _F:
    """Add the option that turns a sync into a plan."""
    return _flag(
        "How",
        "--dry-run",
        help="Only show what would be done, like `plan`",
    )(command)


def online(command: _F) -> _F:
    """Add the option that lets a plan ask W&B."""
    return _flag(
        "How",
        "--online",
        help="Also ask W&B what it has; nothing is written",
    )(command)


def plan_output(command: _F) -> _F:
    """Add the option for a plan file."""
    return _option(
        "Show",
        "--out",
        metavar="FILE",
        callback=_path_if_given,
        help="Write the plan, for `sync --plan FILE`",
    )(command)


def plan_file(command: _F) -> _F:
    """Add the option that carries out a plan file."""
    return _option(
        "Choose",
        "--plan",
        "plan_path",
        metavar="FILE",
        callback=_path_if_given,
        help="Carry out exactly this plan, or refuse",
    )(command)


def result_output(command: _F) -> _F:
    """Add the options for the output of a result."""
    heading = "Show"
    return _add_in_order(
        command,
        _json,
        _option(
            heading,
            "-q",
            "--quiet",
            is_flag=True,
            default=False,
            help="Only failures and losses, on stderr",
        ),
        _verbose("Show every W&B run in full"),
        report_files,
        _log_file,
        _help,
    )


def report_files(command: _F) -> _F:
    """Add the options for the files that CI reads."""
    heading = "Show"
    return _add_in_order(
        command,
        _option(
            heading,
            "--report",
            metavar="FILE",
            callback=_path_if_given,
            may_be_empty=True,
            help="Write a JUnit report for CI",
        ),
        _option(
            heading,
            "--summary",
            metavar="FILE",
            callback=_path_if_given,
            may_be_empty=True,
            help="Append Markdown ($GITHUB_STEP_SUMMARY)",
        ),
    )


def html_output(command: _F) -> _F:
    """Add the options for the page that is written."""
    heading = "Show"
    return _add_in_order(
        command,
        _option(
            heading,
            "-o",
            "--output",
            metavar="FILE",
            callback=_path_if_given,
            help="The page; - for stdout  [Flow-123.html]",
        ),
        _option(
            heading, "--open", "opened", is_flag=True, default=False, help="Show it in the browser"
        ),
        _json,
        _quiet,
        _debugging,
        _log_file,
        _help,
    )


def verification_output(command: _F) -> _F:
    """Add the options for the output of a verification."""
    return _add_in_order(
        command,
        _json,
        _flag(
            "Show",
            "-q",
            "--quiet",
            help="Only what differs or failed, on stderr",
        ),
        _verbose("All differences whole, and what is not known"),
        report_files,
        _log_file,
        _help,
    )


def text_or_json(command: _F) -> _F:
    """Add the options for output as text or as a JSON document."""
    return _add_in_order(command, _json, _quiet, _debugging, _log_file, _help)


def config_output(command: _F) -> _F:
    """Add the options for the output of settings."""
    return _add_in_order(command, _config, _json, _debugging, _log_file, _help)


def settings_file_argument(command: _F) -> _F:
    """Add the argument for one settings file."""
    file = _path_argument("file", "[FILE]", "A settings file  [all of this folder]")
    return _add_in_order(command, file, _json, _help)


def bundle_argument(command: _F) -> _F:
    """Add the argument for one bundle."""
    return _path_argument("bundle", "[DIR]", "The bundle of an offline sync  [MFWB_DIR]")(command)


def only_help(command: _F) -> _F:
    """Add the one option of a command that has no others."""
    return _help(command)


def lineage_output(command: _F) -> _F:
    """Add the options for the output of lineage."""
    heading = "Show"
    return _add_in_order(
        command,
        _option(
            heading,
            "--format",
            "form",
            type=click.Choice(["text", "mermaid", "json"]),
            help="A tree, a chart, a document  [text]",
        ),
        _json,
        _option(
            heading,
            "--explain",
            is_flag=True,
            default=False,
            help="Show the evidence for each use",
        ),
        _quiet,
        _debugging,
        _log_file,
        _help,
    )


def _namespace(command: _F) -> _F:
    return _option(
        "Choose", "--namespace", metavar="NS", help="Only this Metaflow namespace  [all]"
    )(command)


def _config(command: _F) -> _F:
    return _option(
        "How",
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Settings file  [mfwb.toml or pyproject.toml]",
    )(command)


def _metadata(command: _F) -> _F:
    return _option(
        "How",
        "--metadata",
        metavar="PROVIDER",
        help="service@URL or local@DIR  [Metaflow's own]",
    )(_datastore_root(command))


def _datastore_root(command: _F) -> _F:
    return _option(
        "How",
        "--datastore-root",
        "datastore_roots",
        multiple=True,
        metavar="ROOT",
        callback=_none_if_empty,
        help="Another datastore of yours; repeatable",
    )(command)


def _json(command: _F) -> _F:
    return _flag(
        "Show",
        "--json",
        "as_json",
        help="One JSON document on stdout",
    )(command)


def _quiet(command: _F) -> _F:
    return _flag(
        "Show",
        "-q",
        "--quiet",
        help="No progress, no output of the SDKs",
    )(command)


def _verbose(text: str) -> Callable[[_F], _F]:
    """Return the option for more output; given twice, it also shows what is done meanwhile."""
    return _option(
        "Show",
        "-v",
        "--verbose",
        count=True,
        default=0,
        callback=_log_if_twice,
        help=text,
    )


def _log_if_twice(context: click.Context, _: click.Parameter, number: int) -> bool:
    if number >= _TO_DEBUG and not context.resilient_parsing:
        log_on_stderr(context)
    return number > 0


_TO_DEBUG = 2
"""How often --verbose is given for a log on stderr."""


def _log_file(command: _F) -> _F:
    return _option(
        "Show",
        "--log-file",
        metavar="FILE",
        expose_value=False,
        callback=_log_if_given,
        help="Append what is done and requested; as -vv",
    )(command)


def _log_if_given(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value and not context.resilient_parsing:
        log_to_file(context, Path(value))


def _debugging(command: _F) -> _F:
    """Add -vv to a command that has nothing more to show for -v."""
    return _option(
        "Show",
        "-v",
        "--verbose",
        count=True,
        default=0,
        expose_value=False,
        callback=_log_if_twice,
        help="Twice: log what is done, on stderr",
    )(command)


def _help(command: _F) -> _F:
    return _option(
        "Show",
        "-h",
        "--help",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        default=False,
        callback=_show_help,
        help="Show this text",
    )(command)


def _show_help(context: click.Context, _: click.Parameter, is_given: bool) -> None:  # noqa: FBT001 - click's signature
    if is_given and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


def _path_if_given(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    """Return a path; an empty text, as of a variable that is not set, is the same as none."""
    return Path(value) if value else None


def _none_if_empty(
    _: click.Context, __: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    return value or None


def _flag(heading: str, *names: str, help: str) -> Callable[[_F], _F]:  # noqa: A002 - click's name
    """Return a decorator that adds an option without a value, which is off by default."""
    return _option(heading, *names, is_flag=True, default=False, help=help)


def _option(heading: str, *names: str, **kwargs: Any) -> Callable[[_F], _F]:
    if not kwargs.get("required"):  # to click 8.3, None as a default is a value that was given
        kwargs.setdefault("default", None)
    return click.option(*names, cls=HelpedOption, heading=heading, **kwargs)


def _argument(name: str, metavar: str, text: str, **kwargs: Any) -> Callable[[_F], _F]:
    return click.argument(
        name, metavar=metavar, cls=HelpedArgument, heading="Choose", help=text, **kwargs
    )


def _path_argument(name: str, metavar: str, text: str) -> Callable[[_F], _F]:
    return _argument(name, metavar, text, required=False, type=click.Path(path_type=Path))


def _add_in_order(command: _F, *decorators: Callable[[_F], _F]) -> _F:
    """Apply decorators so that help shows the options in the given order."""
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
