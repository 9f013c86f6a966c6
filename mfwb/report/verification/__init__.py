"""A verification, as text, as a JSON document, and as reports for CI."""

from mfwb.report.verification.cases import verification_to_junit
from mfwb.report.verification.document import show_document
from mfwb.report.verification.problems import problem_lines
from mfwb.report.verification.summary import verification_to_markdown
from mfwb.report.verification.text import show_text

__all__ = [
    "problem_lines",
    "show_document",
    "show_text",
    "verification_to_junit",
    "verification_to_markdown",
]
