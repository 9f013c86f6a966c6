"""The stages of a call: select flow runs, read each, rebuild lineage, plan, write, record."""

from mfwb.pipeline.apply import apply_plan, make_plan_file
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.plan import PlannedFlowRun, plan_flow_runs
from mfwb.pipeline.push import push_flow_runs
from mfwb.pipeline.rebuild import Rebuilt, rebuild_ledgers
from mfwb.pipeline.recovery import retry_with_new_ledger
from mfwb.pipeline.sync import sync_flow_runs

__all__ = [
    "Parts",
    "PlannedFlowRun",
    "Rebuilt",
    "apply_plan",
    "make_plan_file",
    "plan_flow_runs",
    "push_flow_runs",
    "rebuild_ledgers",
    "retry_with_new_ledger",
    "sync_flow_runs",
]
