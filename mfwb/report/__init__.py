"""Reports: the result of a call, for people and for programs.

The output of a single command has its own module: `explain`, `lineage`, `settings`, `status`.
"""

from mfwb.report.console import console_for
from mfwb.report.problems import problem_lines
from mfwb.report.progress import progress_on_stderr
from mfwb.report.result.cases import error_to_junit, result_to_junit
from mfwb.report.result.document import to_json
from mfwb.report.result.summary import error_to_markdown, result_to_markdown
from mfwb.report.result.text import to_text

__all__ = [
    "console_for",
    "error_to_junit",
    "error_to_markdown",
    "problem_lines",
    "progress_on_stderr",
    "result_to_junit",
    "result_to_markdown",
    "to_json",
    "to_text",
]
