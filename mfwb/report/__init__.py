"""Show: what a call did or would do, for people and for programs.

What a single command shows stays in its own module: `explain`, `lineage`, `status`.
"""

from mfwb.report.console import console_for
from mfwb.report.essentials import complaints
from mfwb.report.progress import watch
from mfwb.report.result.document import to_json
from mfwb.report.result.text import to_text

__all__ = [
    "complaints",
    "console_for",
    "to_json",
    "to_text",
    "watch",
]
