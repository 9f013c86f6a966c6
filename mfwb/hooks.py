"""The function that Metaflow calls when a flow run has ended.

    @exit_hook(on_success=["mfwb.hooks.sync"], on_error=["mfwb.hooks.sync"])

Metaflow runs a hook in a process of its own; how that ends does not change how the flow run ends.
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
    """Sync the flow run that has just ended, and print one line about the result.

    Settings come from `mfwb.toml` or pyproject.toml of the current folder, and from `MFWB_*`.

    Args:
        run: a `metaflow.Run`; None if Metaflow's own configuration does not lead to it.
    """
    if run is None:
        write_error(
            "Metaflow did not find the flow run that has just ended: its metadata provider was "
            "given on the command line, which hooks don't get. Set METAFLOW_DEFAULT_METADATA or "
            "Metaflow's configuration, or run `mfwb sync` with --metadata"
        )
        return
    try:
        # The flow run is over, even if its records do not show it yet: hence no waiting. Its
        # provider is that of the hook's process.
        with keep_stdout_clean(quiet=True):
            result = api.sync(run.pathspec, metadata=current_provider(), abandoned_after=0)
    except MfwbError as error:
        write_error(f"{run.pathspec} is not synced: {error}")
        return
    for outcome in result.flow_runs:
        if outcome.status is Status.FAILED:
            write_error(f"{outcome.pathspec} is not synced: {outcome.reason}")
        else:
            with suppress(OSError):  # stdout is closed, which is not a reason to fail
                write_out(f"mfwb: {one_line(_summary(outcome))}\n")


def _summary(outcome: FlowRunOutcome) -> str:
    if outcome.reason:
        return f"{outcome.pathspec} {outcome.status.value}: {outcome.reason}"
    project = "/".join(part for part in (outcome.entity, outcome.project) if part)
    parts = [f"{len(outcome.wandb_runs)} W&B runs in {project}"]
    if outcome.all_losses:
        parts.append(f"{len(outcome.all_losses)} losses")
    return f"{outcome.pathspec} {outcome.status.value}: {', '.join(parts)}"
