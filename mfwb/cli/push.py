"""`mfwb push`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.acting import tell
from mfwb.cli.layout import Command
from mfwb.cli.streams import keep_stdout_clean

__all__ = ["push"]

_EXAMPLES = """\
mfwb push bundle
mfwb push bundle --json | jq .totals
mfwb push bundle --timeout 30m --wait 1h
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.how_to_push
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
