"""3 infer: who came before whom, who produced and who used what. Pure."""

from mfwb.lineage.edges import rebuild_lineage
from mfwb.lineage.meant import RecordedValue, values_wanted, with_meant
from mfwb.lineage.outside import flow_runs_read, triggering_runs, with_outside
from mfwb.lineage.values import Edge, Ground, Lineage, OutsideUse

__all__ = [
    "Edge",
    "Ground",
    "Lineage",
    "OutsideUse",
    "RecordedValue",
    "flow_runs_read",
    "rebuild_lineage",
    "triggering_runs",
    "values_wanted",
    "with_meant",
    "with_outside",
]
