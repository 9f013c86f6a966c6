"""What has to be known of a W&B run to find, claim and tell it from others."""

from __future__ import annotations

from typing import Protocol

from mfwb.errors import NotOurs
from mfwb.planning import WandbRunId
from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["HasProject", "RunIdentity", "raise_if_foreign"]


class RunIdentity(Protocol):
    """A W&B run that is to be written: `PlannedRun`, or what a bundle has of one."""

    @property
    def id(self) -> WandbRunId:
        """As planned."""
        ...

    @property
    def name(self) -> str:
        """As W&B shows it."""
        ...

    @property
    def group(self) -> str:
        """What it shares with the others of its flow run."""
        ...

    @property
    def job_type(self) -> str:
        """The step."""
        ...


class HasProject(Protocol):
    """Something that belongs to one project."""

    @property
    def entity(self) -> str | None:
        """None: that of the credentials."""
        ...

    @property
    def project(self) -> str:
        """Its name."""
        ...


def raise_if_foreign(existing: ExistingRun | None, run: RunIdentity, source: FlowRunId) -> None:
    """Raise NotOurs if a W&B run is there that was not written from this very flow run.

    Args:
        existing: under the id of the W&B run.
        run: that is to be written.
        source: the flow run.
    """
    if existing is None or source.is_of(existing.source) or _is_claim(existing, run):
        return
    raise NotOurs(
        f"{existing.url} has the id of {run.name} but was written from another source; it "
        "is left alone. Choose another --project"
    )


def _is_claim(existing: ExistingRun, run: RunIdentity) -> bool:
    """Whether nothing is there but that a sync was about to write this."""
    return existing.is_empty and (existing.name, existing.group) == (run.name, run.group)
