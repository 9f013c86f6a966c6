"""An explanation in the requested form."""

from __future__ import annotations

from rich.console import Console

from mfwb.pipeline.explain import Explanation
from mfwb.report.explain.document import to_dict
from mfwb.report.explain.text import to_text
from mfwb.report.json_output import for_any_output
from mfwb.safe_text import fit_encoding

__all__ = ["show_explanation"]


def show_explanation(
    explanation: Explanation, *, console: Console, as_json: bool
) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only.

    Args:
        explanation: the explanation of one artifact.
        console: the console that text is formatted for.
        as_json: return a JSON document rather than text.
    """
    if as_json:
        document = to_dict(explanation)
        return for_any_output(document)
    text = to_text(explanation, console=console)
    return text, fit_encoding(text)
