"""Lineage in the form that was asked for."""

from __future__ import annotations

from rich.console import Console

from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.json_output import for_any_output
from mfwb.report.lineage.document import life_to_dict, to_dict
from mfwb.report.lineage.history import life_of
from mfwb.report.lineage.history_text import life_to_text
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
    """Return what is to be printed, and the same for an output that takes ASCII only.

    Args:
        traced: a flow run and its lineage.
        form: text, mermaid or json.
        console: where text will go.
        artifact: the only one of interest; None: all are.
        explain: whether to say on what ground each use is told.

    Raises:
        UsageError: if there is no artifact of that name.
    """
    life = None if artifact is None else life_of(artifact, traced)
    if form == "json":
        document = (
            to_dict(traced, explain=explain)
            if life is None
            else life_to_dict(life, traced, explain=explain)
        )
        return for_any_output(document)
    if form == "mermaid":
        text = to_mermaid(traced, artifact=artifact)
    elif life is None:
        text = to_text(traced, console=console, explain=explain)
    else:
        text = life_to_text(life, traced, console=console, explain=explain)
    return text, fit_encoding(text)
