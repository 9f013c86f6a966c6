"""Reports: the result of a call, for people and for programs.

The output of a single command has its own module: `explain`, `lineage`, `settings`, `status`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "console_for": "console",
    "error_to_junit": "result.cases",
    "error_to_markdown": "result.summary",
    "problem_lines": "problems",
    "progress_on_stderr": "progress",
    "result_to_junit": "result.cases",
    "result_to_markdown": "result.summary",
    "to_json": "result.document",
    "to_text": "result.text",
}


def __getattr__(name: str) -> Any:
    """Import a function on first use: without a terminal, or for JSON, nobody needs rich."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
