"""Whether what was sent is there: `wandb sync` says that all is well, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import wandb

from mfwb.sink.history.read_rows import History
from mfwb.sink.push.bundle_run import read_history
from mfwb.sink.push.upload_files import Derivation
from mfwb.sink.server.arrivals import compare_rows, describe_missing
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.server.run_files import CORE_FILES
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

    lacks: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()
    logged: Mapping[tuple[str, str], wandb.Artifact] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


def check(sent: Derivation, existing: ExistingRuns) -> Arrival:
    """Return what is there of a W&B run that was just looked up; SinkError."""
    run = sent.run
    lacks, losses = _lacks(sent, existing)
    if lacks:
        return Arrival(lacks)
    logged = _by_content(existing.list_logged_artifacts(run.title.id)) if run.logged else {}
    unlogged = {sent.as_called(one).content for one in run.logged} - logged.keys()
    uses = {sent.as_called(one).content for one in run.used if one.content not in sent.without}
    unused = (
        uses - _by_content(existing.list_used_artifacts(run.title.id)).keys() if uses else set()
    )
    if unused:
        return Arrival(f"artifacts that it uses are missing: {_names(unused)}")
    if unlogged:
        lacks = f"artifacts that it logs are missing: {_names(unlogged)}"
        return Arrival(lacks, frozenset(unlogged), logged, losses)
    return Arrival(logged=logged, losses=losses)


def _lacks(sent: Derivation, existing: ExistingRuns) -> tuple[str, tuple[Loss, ...]]:
    """Return what is missing of a W&B run itself, empty if nothing is, and what is to be told."""
    run, title = sent.run, sent.run.title
    found = existing.get(title.id)
    if found is not None and not found.is_open:
        lost = (CORE_FILES | run.media) - existing.list_files(title.id).keys()
        if lost:
            return f"files are missing: {', '.join(sorted(lost))}", ()
    run_metadata = sent.run_metadata or title
    said = {"fingerprint": run.fingerprint, "job_type": run_metadata.job_type, "token": sent.token}
    lacks = describe_missing(found, **said)
    if lacks or run.last_step is None:
        return lacks, ()
    there = existing.read_histories([title.id]).get(title.id, History())
    return compare_rows(title.name, read_history(title.original), there)


def _names(contents: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({name for name, _ in contents}))


def _by_content(artifacts: Iterable[wandb.Artifact]) -> dict[tuple[str, str], wandb.Artifact]:
    return {(one.name.rpartition(":")[0], one.digest): one for one in artifacts}
