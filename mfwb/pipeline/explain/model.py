"""Model of an explanation: frozen values about one artifact."""

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
        task: pathspec of the task; for an included file, that of the parameters.
        ref: type, size, sha1, encoding.
        attempt: the attempt of the task that wrote it; None: not recorded.
        producer: the task that wrote it: this one, or the one that it was handed on from.
        shown_in: the task whose W&B run gets it: the producer, except for values that a task
            assigned again with an equal result, and for what a task picked among several.
        reason: how it is handled, and why; decided for the task that wrote it.
        switched_off: the setting that keeps it out of W&B, and where it is set; else empty.
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
    """What one W&B run gets of the artifact. The files are removed by now; the sizes remain."""

    planned: PlannedRun  # narrowed to the artifact
    ready: ReadyRun


@dataclass(frozen=True, slots=True)
class Explanation:
    """One artifact of all tasks of a step or of one task, or a parameter.

    Attributes:
        pathspec: the given path, with the id of the flow run in place of `latest`.
        flow_run: pathspec of the flow run.
        state: state of the flow run; nothing is written as long as it is running.
        name: name of the artifact.
        entity: W&B entity; None: the default entity of the user who syncs.
        project: W&B project.
        artifacts: one for each task, in the order of the foreach.
        among: how many tasks could have it.
        parameter: the parameter, if it is one.
        config_key: key of a parameter in the config of W&B runs, as in `metaflow.constants.x`.
        wandb_runs: how many W&B runs the flow run has; all of them get the config.
        replayed: the W&B runs that get the artifact, in the order of the graph.
        losses: the parts of it that do not reach W&B.
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
