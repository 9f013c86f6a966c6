"""Show: what a call did or would do, for people and for programs."""

from mfwb.report.complaints import complaints
from mfwb.report.document import to_json
from mfwb.report.explain import show_explanation
from mfwb.report.lineage import show_lineage
from mfwb.report.progress import watch
from mfwb.report.status import show_status
from mfwb.report.text import console_for, to_text

__all__ = [
    "complaints",
    "console_for",
    "show_explanation",
    "show_lineage",
    "show_status",
    "to_json",
    "to_text",
    "watch",
]
