"""Check that an upload has arrived: `wandb sync` reports success even if it has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import wandb

from mfwb.sink.history.read_rows import History
from mfwb.sink.push.bundle_run import read_history
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.arrivals import compare_rows, describe_missing
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.snapshot import Loss

__all__ = ["Arrival", "check_arrival"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """The part of an upload that W&B has.

    Attributes:
        missing: what is missing; empty if nothing is.
        unlogged: missing artifacts, by name and digest, if everything else is there.
        logged: the artifacts that the W&B run logged, by name and digest.
        losses: what is wrong in W&B and can't be repaired.
    """

    missing: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()
    logged: Mapping[tuple[str, str], wandb.Artifact] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


def check_arrival(upload: Upload, existing: ExistingRuns) -> Arrival:
    """Return the arrived part of an upload whose W&B run was just looked up; SinkError."""
    run = upload.run
    missing, losses = _missing(upload, existing)
    if missing:
        return Arrival(missing)
    logged = _by_content(existing.list_logged_artifacts(run.header.id)) if run.logged else {}
    unlogged = {upload.with_wandb_name(item).content for item in run.logged} - logged.keys()
    uses = {
        upload.with_wandb_name(item).content
        for item in run.used
        if item.content not in upload.unavailable
    }
    unused = (
        uses - _by_content(existing.list_used_artifacts(run.header.id)).keys() if uses else set()
    )
    if unused:
        return Arrival(f"artifacts that it uses are missing: {_names(unused)}")
    if unlogged:
        missing = f"artifacts that it logs are missing: {_names(unlogged)}"
        return Arrival(missing, frozenset(unlogged), logged, losses)
    return Arrival(logged=logged, losses=losses)


def _missing(upload: Upload, existing: ExistingRuns) -> tuple[str, tuple[Loss, ...]]:
    """Return what is missing of the W&B run itself (empty: nothing), and losses to report."""
    run, header = upload.run, upload.run.header
    existing_run = existing.get(header.id)
    if run.media and existing_run is not None and not existing_run.is_open:
        missing_files = run.media - existing.list_files(header.id).keys()
        if missing_files:
            return f"files are missing: {', '.join(sorted(missing_files))}", ()
    run_metadata = upload.run_metadata or header
    expected = {
        "fingerprint": run.fingerprint,
        "job_type": run_metadata.job_type,
        "token": upload.token,
    }
    missing = describe_missing(existing_run, **expected)
    if missing or run.last_step is None:
        return missing, ()
    history = existing.read_histories([header.id]).get(header.id, History())
    return compare_rows(header.name, read_history(header.original), history, run.axes)


def _names(contents: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({name for name, _ in contents}))


def _by_content(artifacts: Iterable[wandb.Artifact]) -> dict[tuple[str, str], wandb.Artifact]:
    return {(artifact.name.rpartition(":")[0], artifact.digest): artifact for artifact in artifacts}
