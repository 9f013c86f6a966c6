"""The story: choose flow runs, read each, rebuild its lineage, draft, carry out, remember."""

from mfwb.pipeline.parts import Parts
from mfwb.pipeline.plan import plan_flow_runs
from mfwb.pipeline.push import push_flow_runs
from mfwb.pipeline.rebuild import Rebuilt, rebuild_ledgers
from mfwb.pipeline.recovery import with_a_sound_ledger
from mfwb.pipeline.sync import sync_flow_runs

__all__ = [
    "Parts",
    "Rebuilt",
    "plan_flow_runs",
    "push_flow_runs",
    "rebuild_ledgers",
    "sync_flow_runs",
    "with_a_sound_ledger",
]
