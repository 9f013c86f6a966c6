"""What a bundle says of a flow run, before it is pushed."""

from mfwb.verification.recorded_offline.bundle import BundleProject, flow_runs_in_bundle

__all__ = ["BundleProject", "flow_runs_in_bundle"]
