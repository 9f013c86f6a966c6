"""The options that commands share, in groups. Not said is None: files and variables decide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mfwb.cli.help import HelpedArgument, HelpedOption

__all__ = [
    "artifact_of_a_step",
    "choose",
    "document",
    "dry_run",
    "how",
    "how_to_push",
    "one_artifact",
    "one_flow_run",
    "one_settings_file",
    "picture",
    "project",
    "show",
    "shown_settings",
    "what",
    "whence",
    "where_to",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def choose(command: _F) -> _F:
    """Add what says which flow runs."""
    return _all(
        command,
        click.argument(
            "pathspecs",
            nargs=-1,
            metavar="[PATHSPEC]...",
            cls=HelpedArgument,
            heading="Choose",
            help="Flow/123, Flow/latest, Flow; none: all flows",
        ),
        _option(
            "Choose",
            "--since",
            metavar="TIME",
            help="Started since 24h, 7d, 2026-11-01",
        ),
        _option(
            "Choose",
            "--until",
            metavar="TIME",
            help="Started before",
        ),
        _option(
            "Choose",
            "--last",
            type=click.IntRange(min=1),
            metavar="N",
            help="The N newest runs of each flow",
        ),
        _option(
            "Choose",
            "--all",
            "every",
            is_flag=True,
            default=False,
            help="All runs",
        ),
        _option(
            "Choose",
            "--tag",
            "tags",
            multiple=True,
            metavar="TAG",
            help="Only with this tag; repeat it for more",
        ),
        _option(
            "Choose",
            "--failed/--no-failed",
            help="Only failed ones; or none of them  [both]",
        ),
        _namespace,
    )


def one_flow_run(command: _F) -> _F:
    """Add what says which flow run, where it can be only one."""
    return _all(
        command,
        click.argument(
            "pathspec",
            metavar="PATHSPEC",
            cls=HelpedArgument,
            heading="Choose",
            help="Flow/123 or Flow/latest",
        ),
        _namespace,
    )


def artifact_of_a_step(command: _F) -> _F:
    """Add what says which artifact of a flow run."""
    return _all(
        command,
        click.argument(
            "pathspec",
            metavar="PATHSPEC",
            cls=HelpedArgument,
            heading="Choose",
            help="Flow/123/train/model, or train/4/model",
        ),
        _namespace,
    )


def one_artifact(command: _F) -> _F:
    """Add what says which artifact alone is of interest."""
    return _option(
        "Choose",
        "--artifact",
        metavar="NAME",
        help="The life of this one, to its last reader",
    )(command)


def where_to(command: _F) -> _F:
    """Add what says where W&B runs go."""
    heading = "Where to"
    return _all(
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
            help="Where the offline bundle goes",
        ),
    )


def project(command: _F) -> _F:
    """Add what says to which project of W&B they go."""
    heading = "Where to"
    return _all(
        command,
        _option(heading, "--entity", metavar="NAME", help="W&B entity  [your default]"),
        _option(heading, "--project", metavar="NAME", help="W&B project  [the flow's name]"),
    )


def what(command: _F) -> _F:
    """Add what says which artifacts go along, and how finely."""
    heading = "What"
    return _all(
        command,
        _option(heading, "--datasets/--no-datasets", help="Tables, paths, included files  [on]"),
        _option(heading, "--models/--no-models", help="Models of well-known libraries  [on]"),
        _option(heading, "--others/--no-others", help="Anything else that was pickled  [on]"),
        _option(
            heading,
            "--granularity",
            type=click.Choice(["step", "task"]),
            help="One W&B run per step, or per task  [step]",
        ),
        _option(
            heading,
            "--max-artifact-size",
            metavar="SIZE",
            help="Leave out larger ones, as in 2GB  [no limit]",
        ),
        _option(
            heading,
            "--references/--no-references",
            help="Point at Metaflow's bytes  [if too large]",
        ),
        _option(
            heading,
            "--file-references",
            is_flag=True,
            default=None,
            help="The same of a local datastore  [off]",
        ),
        _option(
            heading,
            "--path-root",
            "path_roots",
            multiple=True,
            type=click.Path(),
            callback=_or_not_said,
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
            help="What loading an artifact may take  [2GB]",
        ),
    )


def how(command: _F) -> _F:
    """Add what says how the work is done."""
    heading = "How"
    return _all(
        command,
        _workers("W&B runs written at once  [16]"),
        _timeout,
        _wait("Wait for another sync to end for  [0s]"),
        _on_deleted,
        _option(
            heading,
            "--abandoned-after",
            metavar="DURATION",
            help="Silence that ends a flow run  [24h]",
        ),
        _option(heading, "--force", is_flag=True, help="Write again what was synced before"),
        _overwrite_edits("Also what people changed in W&B since"),
        _option(heading, "--strict", is_flag=True, help="Exit 3 if anything was lost"),
        _config,
        _metadata,
    )


def how_to_push(command: _F) -> _F:
    """Add what says how a bundle is uploaded."""
    return _all(
        command,
        _workers("Requests to W&B at once  [16]"),
        _timeout,
        _wait("Wait for another push or sync to end for  [0s]"),
        _on_deleted,
        _overwrite_edits("Write over what people changed in W&B"),
        _config,
    )


def _workers(text: str) -> Callable[[_F], _F]:
    return _option("How", "--workers", type=click.IntRange(1, 64), metavar="N", help=text)


def _timeout(command: _F) -> _F:
    return _option(
        "How", "--timeout", metavar="DURATION", help="Retry a W&B that is ill for  [5m]"
    )(command)


def _wait(text: str) -> Callable[[_F], _F]:
    return _option("How", "--wait", metavar="DURATION", help=text)


def _on_deleted(command: _F) -> _F:
    return _option(
        "How",
        "--on-deleted",
        type=click.Choice(["skip", "recreate", "fail"]),
        metavar="HOW",
        help="What W&B lacks: skip, recreate, fail  [skip]",
    )(command)


def _overwrite_edits(text: str) -> Callable[[_F], _F]:
    return _option("How", "--overwrite-edits", is_flag=True, help=text)


def whence(command: _F) -> _F:
    """Add what says where flow runs are read from."""
    return _all(command, _config, _metadata)


def dry_run(command: _F) -> _F:
    """Add the option that turns a sync into a plan."""
    return _option(
        "How",
        "--dry-run",
        is_flag=True,
        default=False,
        help="Only say what would be done, as `plan` does",
    )(command)


def show(command: _F) -> _F:
    """Add what says how much is told."""
    heading = "Show"
    return _all(
        command,
        _json,
        _option(
            heading,
            "--quiet",
            is_flag=True,
            default=False,
            help="Only what failed or was lost, on stderr",
        ),
        _option(heading, "--verbose", is_flag=True, default=False, help="Every W&B run in full"),
        _help,
    )


def document(command: _F) -> _F:
    """Add what says whether words or a document are wanted."""
    return _all(command, _json, _quiet, _help)


def shown_settings(command: _F) -> _F:
    """Add what says whose settings are shown, and how."""
    return _all(command, _config, _json, _help)


def one_settings_file(command: _F) -> _F:
    """Add what says which settings file."""
    return _all(
        command,
        click.argument(
            "file",
            required=False,
            metavar="[FILE]",
            type=click.Path(path_type=Path),
            cls=HelpedArgument,
            heading="Choose",
            help="This one  [those of this folder]",
        ),
        _help,
    )


def picture(command: _F) -> _F:
    """Add what says how lineage is shown."""
    heading = "Show"
    return _all(
        command,
        _option(
            heading,
            "--format",
            "form",
            type=click.Choice(["text", "mermaid", "json"]),
            default="text",
            help="A tree, a chart, a document  [text]",
        ),
        _option(
            heading,
            "--explain",
            is_flag=True,
            default=False,
            help="Say on what ground each use is told",
        ),
        _quiet,
        _help,
    )


def _namespace(command: _F) -> _F:
    return _option(
        "Choose", "--namespace", metavar="NS", help="Only what is in this namespace  [all]"
    )(command)


def _config(command: _F) -> _F:
    return _option(
        "How",
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Settings  [mfwb.toml or pyproject.toml]",
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
        callback=lambda _context, _option, roots: roots or None,
        help="Another datastore of yours; repeat for more",
    )(command)


def _json(command: _F) -> _F:
    return _option(
        "Show",
        "--json",
        "as_json",
        is_flag=True,
        default=False,
        help="One JSON document on stdout",
    )(command)


def _quiet(command: _F) -> _F:
    return _option(
        "Show", "--quiet", is_flag=True, default=False, help="No progress, nothing from the SDKs"
    )(command)


def _help(command: _F) -> _F:
    return _option(
        "Show",
        "--help",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        default=False,
        callback=_show_help,
        help="Show this text",
    )(command)


def _show_help(context: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's signature
    if asked and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


def _or_not_said(
    _: click.Context, __: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    return value or None


def _option(heading: str, *names: str, default: Any = None, **kwargs: Any) -> Callable[[_F], _F]:
    return click.option(*names, cls=HelpedOption, heading=heading, default=default, **kwargs)


def _all(command: _F, *decorators: Callable[[_F], _F]) -> _F:
    """Apply decorators so that help shows them in the order in which they are written."""
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
