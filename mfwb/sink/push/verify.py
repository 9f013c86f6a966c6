"""Whether what was sent is there: `wandb sync` says that all is well, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import wandb

from mfwb.sink.history.read_rows import History
from mfwb.sink.push.bundle_run import read_history
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.arrivals import judge_rows, lacks_of
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.server.run_files import ALWAYS_THERE
from mfwb.snapshot import Loss

__all__ = ["Arrival", "check"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is there of a W&B run.

    Attributes:
        lacks: what is missing; empty if nothing is.
        unlogged: artifacts that it should have logged, by name and digest; all else is there.
        logged: the artifacts that it logged, by name and digest.
        losses: what is there beside all this, and can't be taken back.
    """

    missing: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()
    logged: Mapping[tuple[str, str], wandb.Artifact] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


def check(upload: Upload, existing: ExistingRuns) -> Arrival:
    """Return what is there of a W&B run that was just looked up; SinkError."""
    run = upload.run
    missing, losses = _missing(upload, existing)
    if missing:
        return Arrival(missing)
    logged = _by_content(existing.logged(run.header.id)) if run.logged else {}
    unlogged = {upload.with_wandb_name(one).content for one in run.logged} - logged.keys()
    uses = {
        upload.with_wandb_name(one).content for one in run.used if one.content not in upload.without
    }
    unused = uses - _by_content(existing.used(run.header.id)).keys() if uses else set()
    if unused:
        return Arrival(f"artifacts that it uses are missing: {_names(unused)}")
    if unlogged:
        missing = f"artifacts that it logs are missing: {_names(unlogged)}"
        return Arrival(missing, frozenset(unlogged), logged, losses)
    return Arrival(logged=logged, losses=losses)


def _missing(upload: Upload, existing: ExistingRuns) -> tuple[str, tuple[Loss, ...]]:
    """Return what is missing of a W&B run itself, empty if nothing is, and what is to be told."""
    run, header = upload.run, upload.run.header
    found = existing.get(header.id)
    if found is not None and not found.is_open:
        lost = (ALWAYS_THERE | run.media) - existing.files(header.id).keys()
        if lost:
            return f"files are missing: {', '.join(sorted(lost))}", ()
    words = upload.words or header
    said = {"fingerprint": run.fingerprint, "job_type": words.job_type, "token": upload.token}
    missing = lacks_of(found, **said)
    if missing or run.last_step is None:
        return missing, ()
    there = existing.histories([header.id]).get(header.id, History())
    return judge_rows(header.name, read_history(header.original), there)


def _names(contents: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({name for name, _ in contents}))


def _by_content(artifacts: Iterable[wandb.Artifact]) -> dict[tuple[str, str], wandb.Artifact]:
    return {(one.name.rpartition(":")[0], one.digest): one for one in artifacts}
