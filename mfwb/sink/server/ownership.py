"""Ownership of W&B runs: what identifies one, and whether mfwb may write to it."""

from __future__ import annotations

from typing import Protocol

from mfwb.errors import NotOurs
from mfwb.planning import WandbRunId
from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["HasProject", "RunIdentity", "raise_if_foreign"]


class RunIdentity(Protocol):
    """A W&B run to write: `PlannedRun`, or the record of one in a bundle."""

    @property
    def id(self) -> WandbRunId:
        """The planned id."""
        ...

    @property
    def name(self) -> str:
        """The name that W&B shows."""
        ...

    @property
    def group(self) -> str:
        """The group of all W&B runs of its flow run."""
        ...

    @property
    def job_type(self) -> str:
        """The step."""
        ...


class HasProject(Protocol):
    """Anything that belongs to one project."""

    @property
    def entity(self) -> str | None:
        """The entity; None for that of the credentials."""
        ...

    @property
    def project(self) -> str:
        """The name of the project."""
        ...


def raise_if_foreign(existing: ExistingRun | None, run: RunIdentity, source: FlowRunId) -> None:
    """Raise NotOurs if the existing W&B run was not written from this flow run.

    Args:
        existing: the W&B run under the id; None if there is none.
        run: the W&B run to write.
        source: the flow run.
    """
    if existing is None or source.is_of(existing.source) or _is_claim(existing, run):
        return
    raise NotOurs(
        f"{existing.url} has the id of {run.name} but was written from another source; it "
        "is left alone. Choose another --project"
    )


def _is_claim(existing: ExistingRun, run: RunIdentity) -> bool:
    """Whether the run is only a claim: a sync was about to write this very run."""
    return existing.is_empty and (existing.name, existing.group) == (run.name, run.group)
