"""Stage 3, infer: the parents of each task, and the producers and users of artifacts. Pure."""

from mfwb.lineage.external_uses import add_external_uses, list_flow_runs_read, read_triggering_runs
from mfwb.lineage.model import Edge, Evidence, ExternalUse, Lineage
from mfwb.lineage.rebuild import rebuild_lineage
from mfwb.lineage.referenced_runs import (
    NamingArtifact,
    resolve_external_reads,
    select_values_to_read,
)

__all__ = [
    "Edge",
    "Evidence",
    "ExternalUse",
    "Lineage",
    "NamingArtifact",
    "add_external_uses",
    "list_flow_runs_read",
    "read_triggering_runs",
    "rebuild_lineage",
    "resolve_external_reads",
    "select_values_to_read",
]
