"""A verification, as text and as a JSON document."""

from mfwb.report.verification.document import show_document
from mfwb.report.verification.problems import problem_lines
from mfwb.report.verification.text import show_text

__all__ = ["problem_lines", "show_document", "show_text"]
