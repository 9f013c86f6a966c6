"""3 infer: who came before whom, who produced and who used what. Pure."""

from mfwb.lineage.edges import Edge, Ground, Lineage, rebuild_lineage

__all__ = ["Edge", "Ground", "Lineage", "rebuild_lineage"]
