"""Stage 4, decide: from snapshot, lineage and settings to the plan of what to write. Pure.

The package is not called `plan`, so that `mfwb.plan(...)` can be the function that users call.
"""

from mfwb.planning.console_links import Consoles
from mfwb.planning.draft import choose_group, draft_plan
from mfwb.planning.external_inputs import OtherFlowRun
from mfwb.planning.plan import (
    ArtifactRule,
    Content,
    Form,
    InputArtifact,
    OutputArtifact,
    Overview,
    OverviewAttempt,
    OverviewEdge,
    OverviewFileRules,
    OverviewStep,
    OverviewTask,
    OverviewValue,
    Plan,
    PlannedCard,
    PlannedCheckpoint,
    PlannedFile,
    PlannedRun,
    PlannedValue,
    Preview,
    TaskRow,
    ValueElsewhere,
    WandbRunId,
)

__all__ = [
    "ArtifactRule",
    "Consoles",
    "Content",
    "Form",
    "InputArtifact",
    "OtherFlowRun",
    "OutputArtifact",
    "Overview",
    "OverviewAttempt",
    "OverviewEdge",
    "OverviewFileRules",
    "OverviewStep",
    "OverviewTask",
    "OverviewValue",
    "Plan",
    "PlannedCard",
    "PlannedCheckpoint",
    "PlannedFile",
    "PlannedRun",
    "PlannedValue",
    "Preview",
    "TaskRow",
    "ValueElsewhere",
    "WandbRunId",
    "choose_group",
    "draft_plan",
]
