"""3 infer: who came before whom, who produced and who used what. Pure."""

from mfwb.lineage.external_uses import flow_runs_read, triggering_runs, with_outside
from mfwb.lineage.model import Edge, Ground, Lineage, OutsideUse
from mfwb.lineage.rebuild import rebuild_lineage
from mfwb.lineage.referenced_runs import RecordedValue, values_wanted, with_meant

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
