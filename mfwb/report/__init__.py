"""Reports: the result of a call, for people and for programs.

The output of a single command has its own module: `explain`, `lineage`, `settings`, `status`.
"""

from mfwb.report.console import console_for
from mfwb.report.problems import problem_lines
from mfwb.report.progress import progress_on_stderr
from mfwb.report.result.document import to_json
from mfwb.report.result.text import to_text

__all__ = [
    "console_for",
    "problem_lines",
    "progress_on_stderr",
    "to_json",
    "to_text",
]
