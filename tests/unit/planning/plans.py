"""Plans of small flow runs."""

from __future__ import annotations

from typing import Any

from mfwb.config import Settings
from mfwb.lineage import rebuild_lineage
from mfwb.planning import Plan, PlannedRun, draft_plan
from mfwb.snapshot import FlowRun


def plan_of(run: FlowRun, **settings: Any) -> Plan:
    """Return the plan of a flow run for the project acme/wines."""
    chosen = Settings.model_validate(settings)
    return draft_plan(run, rebuild_lineage(run), chosen, entity="acme", project="wines")


def runs_of(run: FlowRun, **settings: Any) -> dict[str, PlannedRun]:
    """Return the W&B runs of a flow run by their names, without that of the flow run."""
    runs = plan_of(run, **settings).runs
    return {item.name.removeprefix(f"{run.pathspec}/"): item for item in runs}
