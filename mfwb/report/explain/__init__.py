"""Show what became of one artifact, and why: for people and as a document."""

from mfwb.report.explain.render import show_explanation

__all__ = ["show_explanation"]
