"""`mfwb push`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.acting import tell
from mfwb.cli.layout import Command, HelpedArgument, HelpedOption
from mfwb.cli.streams import keep_stdout_clean

__all__ = ["push"]

_EXAMPLES = """\
mfwb push bundle
mfwb push bundle --json | jq .totals
mfwb push bundle --timeout 30m --wait 1h
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "bundle",
    required=False,
    metavar="[DIR]",
    type=click.Path(path_type=Path),
    cls=HelpedArgument,
    heading="Choose",
    help="The bundle of an offline sync  [MFWB_DIR]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    default=None,
    cls=HelpedOption,
    heading="How",
    help="Requests to W&B at once  [16]",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    default=None,
    cls=HelpedOption,
    heading="How",
    help="Retry a W&B that is ill for  [5m]",
)
@click.option(
    "--wait",
    metavar="DURATION",
    default=None,
    cls=HelpedOption,
    heading="How",
    help="Wait for another push or sync to end for  [0s]",
)
@click.option(
    "--on-deleted",
    type=click.Choice(["skip", "recreate", "fail"]),
    metavar="HOW",
    default=None,
    cls=HelpedOption,
    heading="How",
    help="What W&B lacks: skip, recreate, fail  [skip]",
)
@click.option(
    "--overwrite-edits",
    is_flag=True,
    default=None,
    cls=HelpedOption,
    heading="How",
    help="Write over what people changed in W&B",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    default=None,
    cls=HelpedOption,
    heading="How",
    help="Settings  [mfwb.toml or pyproject.toml]",
)
@options.show
def push(
    *,
    bundle: Path | None,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **settings: Any,
) -> int:
    """Upload the bundle of an offline sync.

    Level by level of the lineage, checked; what was pushed before is left alone.
    """
    from mfwb import api  # noqa: PLC0415 - help does without
    from mfwb.config import load_settings  # noqa: PLC0415 - pydantic: the same
    from mfwb.report import watch  # noqa: PLC0415 - rich: the same
    from mfwb.scratch import temporary_files_in_scratch  # noqa: PLC0415 - the same

    strict = load_settings(settings, file=config).strict
    with (
        temporary_files_in_scratch(),
        keep_stdout_clean(quiet=quiet),
        watch(quiet=quiet) as progress,
    ):
        result = api.push(bundle, config=config, progress=progress, **settings)
    return tell(result, as_json=as_json, quiet=quiet, verbose=verbose, strict=strict)
