"""What W&B says of a flow run: the values that both ways of reading it return.

`recorded_online` reads them from a server and `recorded_offline` from a bundle. They are read
from W&B's own records alone, never from what mfwb noted about its own work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = [
    "Receiver",
    "Recorded",
    "RecordedArtifact",
    "RecordedFile",
    "RecordedFlowRun",
    "RecordedRun",
]


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file of a W&B artifact, or of a W&B run.

    Attributes:
        path: in the artifact or the W&B run.
        size: in bytes; None if W&B does not say it.
        md5: in base64, as W&B's manifests have it; None if W&B does not say it, as of references.
        reference: the URI, if it is a reference.
    """

    path: str
    size: int | None
    md5: str | None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedArtifact:
    """A version of a W&B artifact.

    Attributes:
        key: the same for the same version alone, for people to read: online name and version, as
            `model:v3`, and the project if it is another one; offline name and digest.
        name: without version.
        version: as `v3`; None in a bundle, which has none yet.
        digest: of its manifest.
        producer: id of the W&B run that made it first; None if W&B does not say it.
        metadata: as W&B has it.
        links: paths of the collections that it is linked to; None if that was not requested.
    """

    key: str
    name: str
    type: str
    version: str | None
    digest: str
    aliases: frozenset[str]
    files: Mapping[str, RecordedFile]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    producer: str | None = None
    links: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A W&B run.

    Attributes:
        state: `finished`, `failed`, `running`, ... as W&B has it.
        config: without W&B's own `_wandb`.
        summary: JSON as W&B has it, `_wandb` and W&B's own times included.
        history: rows by `_step`, without W&B's own `_step`, `_runtime` and `_timestamp`.
        log: lines of the Logs tab, in order; None if W&B does not give them back.
        files: by path: media, tables and logs.
        logged: the artifacts that it has as outputs, without those that W&B makes of tables.
        used: the artifacts that it has as inputs.
        started_at: epoch s of the start that its metadata names; None if there is none.
        runtime: seconds, as W&B's `_wandb.runtime`; None if there is none.
        repeated_steps: the steps of which W&B has more than one row; `history` has the first one.
        axes: the x axis of each chart for which one is defined.
    """

    id: str
    name: str
    group: str
    job_type: str
    state: str
    tags: frozenset[str]
    notes: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    history: Mapping[int, Mapping[str, Any]]
    log: Sequence[str] | None
    files: Mapping[str, RecordedFile]
    logged: Sequence[RecordedArtifact]
    used: Sequence[RecordedArtifact]
    started_at: float | None = None
    runtime: float | None = None
    repeated_steps: Sequence[int] = ()
    axes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedFlowRun:
    """The W&B runs of one group.

    Attributes:
        group: as given.
        runs: all W&B runs of that group, whoever made them, in W&B's order.
        aliased: of each name that a run of the group logged, the versions of the whole project
            that have an alias, by (name, alias): one, or more where a project is damaged. The
            aliases are `latest`, `run-` with the run of the group's name, and all that the
            logged versions have. In a bundle, which has no versions yet, those of the group's own
            W&B runs. `files` is empty for a version that no run of the group logs or uses.
        damaged: what of a bundle can't be read, each with the reason: W&B runs may be missing.
        has_project: False if W&B has no project of that name, or does not show it.
    """

    group: str
    runs: Sequence[RecordedRun]
    aliased: Mapping[tuple[str, str], Sequence[RecordedArtifact]]
    damaged: Sequence[str] = ()
    has_project: bool = True


class Receiver(Protocol):
    """Receives a file in parts. A download that breaks off begins again."""

    def begin(self) -> None:
        """Drop what was received: the file is sent from its beginning."""
        ...

    def write(self, chunk: bytes) -> None:
        """Receive the next bytes."""
        ...


class Recorded(Protocol):
    """A W&B project that can be read: on a server, or in a bundle."""

    def flow_run(
        self, group: str, aliases: Collection[str] = (), *, with_links: bool = False
    ) -> RecordedFlowRun:
        """Return what W&B says of the W&B runs of a group; none is no error.

        SinkError if W&B does not answer: that is never "there is none".

        Args:
            group: of the W&B runs.
            aliases: further aliases of which it is of interest which versions have them.
            with_links: whether to read the links of the versions that have aliases.
        """
        ...

    def announce(self, artifacts: Sequence[RecordedArtifact]) -> None:
        """Take notice of the artifacts whose files are read next, in this order.

        Their addresses are then requested many at a time.
        """
        ...

    def read_artifact_file(self, artifact: RecordedArtifact, path: str, receiver: Receiver) -> None:
        """Send a file of an artifact to a receiver, in parts, as W&B returns it.

        ItemLost if there is none, or the answer is not that file.
        """
        ...

    def read_run_file(self, run: RecordedRun, path: str, receiver: Receiver) -> None:
        """Send a file of a W&B run to a receiver: a card, a table, a picture.

        ItemLost if there is none.
        """
        ...

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far; 0 offline."""
        ...
