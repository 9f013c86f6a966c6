"""Boxes as HTML: all texts are escaped, and only web addresses are links."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mfwb.destination.addresses import is_web_address
from mfwb.diagnosis import Diagnosis
from mfwb.outcome import Result
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.html import report_fragment
from mfwb.report.notebook.boxes import diagnosis_box, result_box, status_box, verification_box
from mfwb.report.notebook.model import Box
from mfwb.sync_status import SyncStatus
from mfwb.verification_outcome import Verification

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["render_box", "to_html"]


def to_html(value: Any) -> str:
    """Return the HTML of what a function of `mfwb` returned; TypeError for anything else."""
    match value:
        case Result():
            return render_box(result_box(value))
        case SyncStatus():
            return render_box(status_box(value))
        case Verification():
            return render_box(verification_box(value))
        case Diagnosis():
            return render_box(diagnosis_box(value))
        case TracedFlowRun():
            return report_fragment(value)
    raise TypeError(f"there is no HTML of {type(value).__name__}")


def render_box(box: Box) -> str:
    """Return a box as HTML that can stand anywhere in a page; its styles have effect only in it."""
    return _template().render(box=box)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only for HTML

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["web_address"] = is_web_address
    text = (files("mfwb.report.notebook") / "box.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)
