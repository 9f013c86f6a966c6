"""Changing the words of a W&B run that is complete: no run is opened, nothing is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfwb.sink.content.edits import EditRule, MergedMetadata, merge_metadata
from mfwb.sink.content.run_texts import RunMetadata, read_run_metadata
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns

__all__ = ["amend", "has_same_content", "write_run_metadata"]


def amend(
    runs: ExistingRuns,
    existing: ExistingRun,
    run_metadata: RunMetadata,
    done: Mapping[str, Any],
    rule: EditRule,
) -> MergedMetadata:
    """Bring names, tags and config of a W&B run up to date; what others wrote stays. SinkError.

    The summary, which says for which plan the W&B run is complete, is written last.

    Args:
        runs: of the project.
        existing: the W&B run.
        run_metadata: what it is to say.
        done: what marks it, in the summary, as complete.
        rule: about what others changed.

    Returns:
        What it says now, and what others had changed.
    """

    def action(handle: Any) -> MergedMetadata:
        both = merge_metadata(run_metadata, read_run_metadata(handle), rule)
        write_run_metadata(handle, both.run_metadata)
        handle.summary.update(dict(done))
        return both

    return runs.call_with_reloaded_run(existing, action, f"change the words of {run_metadata.name}")


def write_run_metadata(handle: Any, run_metadata: RunMetadata) -> None:
    """Have a W&B run say these words, and no others; `handle` is W&B's own for it."""
    handle.config.clear()
    handle.config.update(run_metadata.config)
    handle.tags = list(run_metadata.tags)
    handle.display_name, handle.group = run_metadata.name, run_metadata.group
    handle.job_type = run_metadata.job_type
    handle.notes = run_metadata.notes or (handle.notes and "")
    handle.update()


def has_same_content(complete: str, fingerprint: str) -> bool:
    """Whether what is there and what is planned are the same but for words."""
    return complete.partition(".")[0] == fingerprint.partition(".")[0]
