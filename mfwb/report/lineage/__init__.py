"""Show lineage: as a tree, as a chart, as a document, and one artifact by itself."""

from mfwb.report.lineage.render import show_lineage

__all__ = ["show_lineage"]
