"""The explanation of one artifact, as text and as a JSON document."""

from mfwb.report.explain.render import show_explanation

__all__ = ["show_explanation"]
