"""What there is to say of one artifact, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.planning import PlannedRun
from mfwb.planning.classify_reasons import Reason
from mfwb.ports import ReadyRun
from mfwb.snapshot import ArtifactRef, FlowRunState, Loss, Parameter

__all__ = ["Explanation", "Replayed", "TaskArtifact"]


@dataclass(frozen=True, slots=True)
class TaskArtifact:
    """The artifact as one task has it.

    Attributes:
        task: its pathspec; of an included file that of the parameters.
        ref: type, size, sha1, encoding.
        attempt: of the task, that left it; None: not recorded.
        producer: the task that wrote it: this one, or one that it was handed on from.
        shown_in: the task whose W&B run gets it: the producer, but for values that came out equal.
        reason: what becomes of it, and why; decided where it was written.
        switched_off: the setting that keeps it out of W&B, and where that was said; else empty.
    """

    task: str
    ref: ArtifactRef
    attempt: int | None
    producer: str
    shown_in: str
    reason: Reason
    switched_off: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one W&B run gets of the artifact. Its files are gone by now, but not their sizes."""

    planned: PlannedRun  # narrowed to the artifact
    ready: ReadyRun


@dataclass(frozen=True, slots=True)
class Explanation:
    """One artifact of all tasks of a step or of one of them, or a parameter.

    Attributes:
        pathspec: as asked, with the flow run that `latest` is.
        flow_run: its pathspec.
        state: of the flow run; nothing is written as long as it is running.
        name: of the artifact.
        entity: of W&B; None: the default of whoever syncs.
        project: of W&B.
        artifacts: by task, in the order of the foreach.
        among: how many tasks there are that could have it.
        parameter: if it is one.
        config_key: where in the config of W&B runs a parameter goes, as in `metaflow.constants.x`.
        wandb_runs: how many W&B runs the flow run has, which all get the config.
        replayed: the W&B runs that get the artifact, in the order of the graph.
        losses: what of it does not reach W&B.
    """

    pathspec: str
    flow_run: str
    state: FlowRunState
    name: str
    entity: str | None
    project: str
    artifacts: tuple[TaskArtifact, ...]
    among: int
    parameter: Parameter | None
    config_key: str
    wandb_runs: int
    replayed: tuple[Replayed, ...]
    losses: tuple[Loss, ...]
