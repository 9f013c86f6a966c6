"""3 infer: who came before whom, who produced and who used what. Pure."""

from mfwb.lineage.edges import rebuild_lineage
from mfwb.lineage.values import Edge, Ground, Lineage

__all__ = ["Edge", "Ground", "Lineage", "rebuild_lineage"]
