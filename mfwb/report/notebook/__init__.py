"""What a notebook shows of results: a small table, or a graph, as HTML without scripts."""

from mfwb.report.notebook.render import to_html

__all__ = ["to_html"]
