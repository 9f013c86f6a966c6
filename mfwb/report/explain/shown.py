"""An explanation in the form that was asked for."""

from __future__ import annotations

from rich.console import Console

from mfwb.explaining import Explanation
from mfwb.report.explain.document import to_dict
from mfwb.report.explain.text import to_text
from mfwb.report.json_text import json_text
from mfwb.report.lineage.phrases import ascii_only

__all__ = ["show_explanation"]


def show_explanation(
    explanation: Explanation, *, console: Console, as_json: bool
) -> tuple[str, str]:
    """Return what is to be printed, and the same for an output that takes ASCII only.

    Args:
        explanation: of one artifact.
        console: where text will go.
        as_json: whether a document is asked for rather than text.
    """
    if as_json:
        document = to_dict(explanation)
        return (
            f"{json_text(document, ascii_only=False)}\n",
            f"{json_text(document, ascii_only=True)}\n",
        )
    text = to_text(explanation, console=console)
    return text, ascii_only(text)
