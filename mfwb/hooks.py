"""What Metaflow calls when a flow run has ended.

    @exit_hook(on_success=["mfwb.hooks.sync"], on_error=["mfwb.hooks.sync"])

Metaflow runs a hook in a process of its own, and what becomes of it does not change how the flow
run ends.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mfwb import api
from mfwb.cli.streams import keep_stdout_clean, write_error, write_out
from mfwb.errors import MfwbError
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.safe_text import one_line
from mfwb.source import current_provider

__all__ = ["sync"]


def sync(run: Any) -> None:
    """Sync the flow run that has just ended, and say on one line how that went.

    Settings come from `mfwb.toml` or pyproject.toml of the current folder, and from `MFWB_*`.

    Args:
        run: a `metaflow.Run`; None if Metaflow's own configuration does not lead to it.
    """
    if run is None:
        write_error(
            "Metaflow did not find the flow run that has just ended: it was told of its metadata "
            "provider on the command line, which hooks don't hear of. Say it by "
            "METAFLOW_DEFAULT_METADATA or in Metaflow's configuration, or run `mfwb sync` "
            "with --metadata"
        )
        return
    try:
        # The flow run is over, whether or not it looks so already; and it is where the hook is.
        with keep_stdout_clean(quiet=True):
            result = api.sync(run.pathspec, metadata=current_provider(), abandoned_after=0)
    except MfwbError as error:
        write_error(f"{run.pathspec} is not synced: {error}")
        return
    for outcome in result.flow_runs:
        if outcome.status is Status.FAILED:
            write_error(f"{outcome.pathspec} is not synced: {outcome.reason}")
        else:
            with suppress(OSError):  # nobody reads it, which is no reason to fail
                write_out(f"mfwb: {one_line(_in_short(outcome))}\n")


def _in_short(outcome: FlowRunOutcome) -> str:
    if outcome.reason:
        return f"{outcome.pathspec} {outcome.status.value}: {outcome.reason}"
    project = "/".join(part for part in (outcome.entity, outcome.project) if part)
    parts = [f"{len(outcome.wandb_runs)} W&B runs in {project}"]
    if outcome.all_losses:
        parts.append(f"{len(outcome.all_losses)} losses")
    return f"{outcome.pathspec} {outcome.status.value}: {', '.join(parts)}"
