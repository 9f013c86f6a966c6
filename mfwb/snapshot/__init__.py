"""Stage 2, facts: what Metaflow recorded about one flow run, as frozen values."""

from mfwb.snapshot.facts import (
    ArtifactRef,
    Attempt,
    Card,
    Datastore,
    Failure,
    FlowRun,
    FlowRunState,
    ForeachFrame,
    GraphStep,
    Loss,
    Parameter,
    SourceCode,
    Step,
    Task,
    TaskState,
    Transition,
)

__all__ = [
    "ArtifactRef",
    "Attempt",
    "Card",
    "Datastore",
    "Failure",
    "FlowRun",
    "FlowRunState",
    "ForeachFrame",
    "GraphStep",
    "Loss",
    "Parameter",
    "SourceCode",
    "Step",
    "Task",
    "TaskState",
    "Transition",
]
