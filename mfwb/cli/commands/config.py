"""`mfwb config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command, Group, HelpedOption
from mfwb.cli.streams import write_error, write_out

__all__ = ["config"]

_EXAMPLES = """\
mfwb config                      the settings in force, and their origin
mfwb config show --flow F        those in force for one flow
mfwb config trust                trust the settings files of this folder
mfwb config untrust mfwb.toml    no longer trust this file
"""


@click.group(
    cls=Group,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",
    epilog=_EXAMPLES,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout")
@click.help_option("-h", "--help", help="Show this text")
@click.pass_context
def config(context: click.Context, *, as_json: bool) -> Any:
    """Show the settings, and trust settings files."""
    if context.invoked_subcommand is None:
        return context.invoke(show, config=None, flow=None, step=None, as_json=as_json)
    if as_json:
        raise click.UsageError(
            f"give --json at the end: config {context.invoked_subcommand} --json"
        )
    return None


_EXAMPLES_OF_SHOW = """\
mfwb config show
mfwb config show --json
mfwb config show --flow TrainFlow --step train
"""


@config.command(cls=Command, epilog=_EXAMPLES_OF_SHOW)
@click.option(
    "--flow",
    metavar="FLOW",
    cls=HelpedOption,
    heading="Choose",
    help="What is in force for this flow",
    shell_complete=options.pathspec_completion(levels=0, latest=False),
)
@click.option(
    "--step",
    metavar="STEP",
    cls=HelpedOption,
    heading="Choose",
    help="What is in force for this step of it",
)
@options.config_output
def show(*, config: Path | None, flow: str | None, step: str | None, as_json: bool) -> int:
    """Show the settings in force, and where each is set.

    Also shows which settings files count, and what confines the conversion of pickles.
    """
    from mfwb.config import read_layers  # noqa: PLC0415 - not needed for help
    from mfwb.conversion.confinement_status import read_confinement  # noqa: PLC0415 - the same
    from mfwb.report.settings import settings_as_json, settings_as_text  # noqa: PLC0415 - the same
    from mfwb.settings_files import load_trust  # noqa: PLC0415 - the same
    from mfwb.settings_inventory import list_active_files  # noqa: PLC0415 - the same

    if step is not None and flow is None:
        raise click.UsageError("--step needs --flow: steps of several flows may have one name")
    layers, files = read_layers({}, file=config), list_active_files(config)
    shown = layers, files, load_trust(), read_confinement()
    if as_json:
        text, plain = settings_as_json(*shown, flow=flow, step=step)
        write_out(text, plain=plain)
    else:
        write_out(settings_as_text(*shown, flow=flow, step=step))
    return 0


@config.command(cls=Command, epilog="mfwb config trust\nmfwb config trust mfwb.toml\n")
@options.settings_file_argument
def trust(*, file: Path | None, as_json: bool) -> int:
    """Trust settings files of this folder.

    Only their present settings: when a file changes, it has to be trusted again.
    """
    from mfwb.report.settings import trust_as_json, trust_as_text  # noqa: PLC0415 - as above
    from mfwb.settings_files import load_trust  # noqa: PLC0415 - the same
    from mfwb.settings_inventory import list_files_to_trust  # noqa: PLC0415 - the same

    trusted, files = load_trust(), list_files_to_trust(file)
    for doubtful in files:
        trusted.add(doubtful.file)
    if as_json:
        text, plain = trust_as_json(files)
        write_out(text, plain=plain)
    else:
        write_out(trust_as_text(files))
    return 0


@config.command(cls=Command, epilog="mfwb config untrust\nmfwb config untrust mfwb.toml\n")
@options.settings_file_argument
def untrust(*, file: Path | None, as_json: bool) -> int:
    """No longer trust settings files of this folder."""
    from mfwb.report.settings import untrust_as_json  # noqa: PLC0415 - as above
    from mfwb.settings_files import load_trust  # noqa: PLC0415 - the same
    from mfwb.settings_inventory import list_paths_to_untrust  # noqa: PLC0415 - the same

    trusted = load_trust()
    removed = [path for path in list_paths_to_untrust(file) if trusted.remove(path)]
    if as_json:
        text, plain = untrust_as_json(removed)
        write_out(text, plain=plain)
    else:
        write_out("".join(f"no longer trusted: {path}\n" for path in removed))
    if not removed:
        write_error("no file here was trusted")
    return 0
