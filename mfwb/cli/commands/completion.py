"""`mfwb completion`."""

from __future__ import annotations

import click

from mfwb.cli import options
from mfwb.cli.help import Command, HelpedArgument
from mfwb.cli.streams import write_out

__all__ = ["completion"]

_EXAMPLES = """\
mfwb completion bash >> ~/.bashrc
mfwb completion zsh >> ~/.zshrc
mfwb completion fish > ~/.config/fish/completions/mfwb.fish
"""

_VARIABLE = "_MFWB_COMPLETE"
"""The variable through which a shell asks for completions; click makes it of the program's name."""

_WHOLE_DESCRIPTIONS = ('string split ","', 'string split --max 1 ","')
"""In click's script for fish: what ends a description at its first comma, and what does not."""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "shell",
    type=click.Choice(["bash", "zsh", "fish"]),
    cls=HelpedArgument,
    heading="Choose",
    help="The shell that the script is for",
)
@options.only_help
def completion(*, shell: str) -> int:
    """Print a script that completes commands and pathspecs.

    Flow runs come from the ledger and from local metadata; no SDK is imported.
    """
    from click.shell_completion import ShellComplete, get_completion_class  # noqa: PLC0415 - rarely needed

    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    if kind is None:  # click knows all three
        raise click.UsageError(f"there is no completion for {shell}")
    # Not the method of the class for bash: it starts bash to look at its version.
    script = ShellComplete.source(kind(root.command, {}, "mfwb", _VARIABLE))
    write_out(f"{script.replace(*_WHOLE_DESCRIPTIONS)}\n")
    return 0


completion.needs_known_versions = False
