"""The story: choose flow runs, read each, rebuild its lineage, draft, carry out, remember."""

from mfwb.pipeline.parts import Parts
from mfwb.pipeline.plan import plan_flow_runs
from mfwb.pipeline.push import Pusher, push_flow_runs
from mfwb.pipeline.sync import sync_flow_runs

__all__ = ["Parts", "Pusher", "plan_flow_runs", "push_flow_runs", "sync_flow_runs"]
