"""`mfwb backfill`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mfwb.cli import options
from mfwb.cli.help import Command
from mfwb.cli.run import run_with_selection
from mfwb.cli.streams import write_out

if TYPE_CHECKING:
    from mfwb.outcome import Result

__all__ = ["backfill"]

_EXAMPLES = """\
mfwb backfill TrainFlow --all --shards 8 --dry-run
mfwb backfill TrainFlow --all --shards 8
mfwb backfill --since 365d --shards 16 --processes 4
mfwb backfill TrainFlow --all --shards 50 --on metaflow
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@options.flow_run_selection
@options.backfill
@options.project
@options.artifact_handling
@options.sync_behavior
@options.dry_run
@options.result_output
def backfill(
    *, shards: int, engine: str, processes: int | None, dry_run: bool, **given: Any
) -> int:
    """Replay many flow runs into Weights & Biases, in parallel.

    Flow runs are cut by flow and time into shards, which processes sync at once. W&B
    ends as after one sync. Run it again to carry on after an interruption.
    """
    from mfwb.shards.backfill import backfill_selection, cores  # noqa: PLC0415 - not needed for help

    if engine == "metaflow":
        return _run_as_flow(shards, processes or cores(), dry_run=dry_run, **given)
    call = partial(
        backfill_selection,
        given={name: given[name] for name in ("since", "until")},
        shards=shards,
        processes=processes,
        dry_run=dry_run,
    )
    return run_with_selection(call, **given)


_OF_THIS_CALL = frozenset({"as_json", "quiet", "verbose", "report", "summary", "config"})
"""Options about what this call shows; all others are for the flow."""


def _run_as_flow(shards: int, processes: int, *, dry_run: bool, **given: Any) -> int:
    """Run the flow, or print how it is run, and return the exit code."""
    from mfwb.shards.metaflow_engine import command_lines, flow_arguments, run_flow  # noqa: PLC0415 - the same

    options = {name: value for name, value in given.items() if name not in _OF_THIS_CALL}
    arguments = flow_arguments(options, shards=shards, config=given["config"])
    if dry_run:
        write_out(command_lines(arguments))
        return 0

    def call(*_: Any) -> Result:
        return run_flow(arguments, processes=processes)

    return run_with_selection(call, **given)
