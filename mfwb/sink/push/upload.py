"""One W&B run of a bundle, as it has to be sent to the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mfwb.planning import WandbRunId
from mfwb.sink.content.run_metadata import RunMetadata
from mfwb.sink.offline.records import make_draft_id
from mfwb.sink.push.bundle_run import RecordedArtifact, RecordedRun
from mfwb.sink.push.shipment import Shipment

__all__ = ["Upload"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A W&B run that has to be sent, or was sent.

    Attributes:
        shipment: the flow run that it belongs to.
        run: the W&B run as the bundle has it.
        id: the id that it gets in W&B; another one than recorded if that was deleted.
        token: identifies this upload in the summary of the W&B run.
        has_history: whether W&B has some history already; the rest is appended.
        rows_missing: steps whose rows are not in that history.
        unavailable: artifacts that it can't use, by name and digest, with the W&B runs that should
            have logged them.
        retryable: those of them that another push may find.
        names: names in this project of artifacts that can't keep their recorded names, by name and
            type.
        run_metadata: the metadata to write where somebody has edited it; None: as recorded.
        others: what others wrote into its summary.
        missing: what W&B did not have at the last look-up; empty: not looked up yet.
        unlogged: artifacts that W&B did not have then, by name and digest, if all else was there.
        uncommitted: artifacts that `wandb sync` uploads without a version number, by name and
            digest as in the bundle, since other W&B runs of the batch log that name, too.
    """

    shipment: Shipment
    run: RecordedRun
    id: WandbRunId
    token: str
    has_history: bool = False
    rows_missing: Collection[int] = ()
    unavailable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    retryable: Collection[tuple[str, str]] = ()
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    run_metadata: RunMetadata | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()
    uncommitted: frozenset[tuple[str, str]] = frozenset()

    def draft_id(self, recorded: str) -> str:
        """Return W&B's id of a draft of the bundle in this upload.

        A W&B run with another id than recorded has other drafts: the recorded ids would lead W&B to
        their former versions.
        """
        is_renamed = self.id != self.run.header.id
        return make_draft_id(f"{recorded} in {self.id}") if is_renamed else recorded

    def artifact_name(self, name: str, type_: str) -> str:
        """Return the name of an artifact in W&B."""
        name = self.names.get((name, type_), name)
        return _renamed(name, self.run.header.id, self.id)  # as tables are named after the id

    def with_wandb_name(self, artifact: RecordedArtifact) -> RecordedArtifact:
        """Return an artifact under the name that it has in W&B."""
        return replace(artifact, name=self.artifact_name(artifact.name, artifact.type))


def _renamed(name: str, old: WandbRunId, new: WandbRunId) -> str:
    prefix = f"run-{old}-"
    return f"run-{new}-{name.removeprefix(prefix)}" if name.startswith(prefix) else name
