"""Reports of lineage: as a tree, a chart or a JSON document, and of one artifact alone."""

from mfwb.report.lineage.render import show_lineage

__all__ = ["show_lineage"]
