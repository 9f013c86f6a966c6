"""Lineage in the requested form."""

from __future__ import annotations

from rich.console import Console

from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.json_output import for_any_output
from mfwb.report.lineage.document import history_to_dict, to_dict
from mfwb.report.lineage.history import history_of
from mfwb.report.lineage.history_text import history_to_text
from mfwb.report.lineage.mermaid import to_mermaid
from mfwb.report.lineage.tree import to_text
from mfwb.safe_text import fit_encoding

__all__ = ["show_lineage"]


def show_lineage(
    traced: TracedFlowRun,
    form: str,
    *,
    console: Console,
    artifact: str | None = None,
    explain: bool = False,
) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only.

    Args:
        traced: a flow run and its lineage.
        form: text, mermaid or json.
        console: the console that text is formatted for.
        artifact: name of the only artifact to show; None: show all.
        explain: whether to explain the evidence of each use.

    Raises:
        NotFound: if there is no artifact of that name.
    """
    history = None if artifact is None else history_of(artifact, traced)
    if form == "json":
        document = (
            to_dict(traced, explain=explain)
            if history is None
            else history_to_dict(history, traced, explain=explain)
        )
        return for_any_output(document)
    if form == "mermaid":
        text = to_mermaid(traced, artifact=artifact)
    elif history is None:
        text = to_text(traced, console=console, explain=explain)
    else:
        text = history_to_text(history, traced, console=console, explain=explain)
    return text, fit_encoding(text)
