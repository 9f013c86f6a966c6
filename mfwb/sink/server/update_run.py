"""Updates of a complete W&B run's metadata: no run is opened, nothing is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfwb.sink.content.edits import EditRule, MergedMetadata, merge_metadata
from mfwb.sink.content.run_metadata import RunMetadata, read_run_metadata
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns

__all__ = ["has_same_content", "update_metadata", "write_run_metadata"]


def update_metadata(
    runs: ExistingRuns,
    existing: ExistingRun,
    run_metadata: RunMetadata,
    done: Mapping[str, Any],
    rule: EditRule,
) -> MergedMetadata:
    """Update names, tags and config of a W&B run; edits of other people stay. SinkError.

    The summary, which marks the plan that the W&B run is complete for, is written last.

    Args:
        runs: the W&B runs of the project.
        existing: the W&B run to update.
        run_metadata: the planned metadata.
        done: the mark of a complete run, for the summary.
        rule: how edits of other people are treated.

    Returns:
        The new metadata, with the edits of other people.
    """

    def action(handle: Any) -> MergedMetadata:
        merged = merge_metadata(run_metadata, read_run_metadata(handle), rule)
        write_run_metadata(handle, merged.run_metadata)
        handle.summary.update(dict(done))
        return merged

    return runs.call_with_reloaded_run(
        existing, action, f"update the metadata of {run_metadata.name}"
    )


def write_run_metadata(handle: Any, run_metadata: RunMetadata) -> None:
    """Write the metadata of a W&B run and nothing else.

    W&B replaces the whole config. The SDK keeps `_wandb`, with the x axes of charts and the times,
    only if it has loaded this one W&B run: a listing leaves it out.

    Args:
        handle: the run object of W&B's public Api, from `call_with_reloaded_run`.
        run_metadata: the metadata to write.
    """
    handle.config.clear()
    handle.config.update(run_metadata.config)
    handle.tags = list(run_metadata.tags)
    handle.display_name, handle.group = run_metadata.name, run_metadata.group
    handle.job_type = run_metadata.job_type
    handle.notes = run_metadata.notes or (handle.notes and "")
    handle.update()


def has_same_content(complete: str, fingerprint: str) -> bool:
    """Whether a complete run and a plan differ in metadata at most."""
    return complete.partition(".")[0] == fingerprint.partition(".")[0]
