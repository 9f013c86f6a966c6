"""`mfwb plan`."""

from __future__ import annotations

from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import act

__all__ = ["plan"]

_EXAMPLES = """\
mfwb plan TrainFlow/latest
mfwb plan TrainFlow --last 5 --json
mfwb plan --since 7d --failed
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.choose
@options.where_to
@options.what
@options.how
@options.show
def plan(**said: Any) -> int:
    """Say what sync would do.

    Nothing is written, and W&B is not asked: no key is needed.
    """
    from mfwb import api  # noqa: PLC0415 - help does without

    return act(api.plan_selection, **said)
