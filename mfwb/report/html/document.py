"""The report as a document: its page, its small form for notebooks, and how it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mfwb.errors import MfwbError
from mfwb.files.output_files import write_output
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.pipeline.report_material import ReportMaterial
from mfwb.ports import Entry
from mfwb.report.html.build import build_page
from mfwb.report.html.comparison import compare
from mfwb.report.html.model import FlowRunPage, Page
from mfwb.report.html.render import render_cards, render_fragment, render_page
from mfwb.snapshot.pathspec import parts_of
from mfwb.version import __version__

__all__ = ["HtmlReport", "build_report", "report_file_name", "report_fragment"]

_FILE_MODE = 0o644  # whoever opens a report may be another user


@dataclass(frozen=True, slots=True)
class HtmlReport:
    """A report of one flow run, or a comparison of several.

    Attributes:
        flow_runs: their pathspecs.
        html: the page, which needs no other file and no network.
        fragment: a small form without scripts, as notebooks show it.
    """

    flow_runs: tuple[str, ...]
    html: str = field(repr=False)
    fragment: str = field(repr=False)

    @property
    def data(self) -> bytes:
        """The page in UTF-8."""
        return self.html.encode("utf-8", "backslashreplace")

    @property
    def file_name(self) -> str:
        """A name for its file, made of the flow and the id."""
        return report_file_name(self.flow_runs)

    def save(self, path: str | Path | None = None) -> Path:
        """Write the page to a file in one step, and return the path of the file.

        Args:
            path: the file; None: `file_name` in the current folder.

        Raises:
            MfwbError: if it can't be written.
        """
        target = Path(self.file_name if path is None else path)
        try:
            write_output(target, self.data, _FILE_MODE)
        except OSError as error:
            raise MfwbError(f"the report can't be written: {error}") from error
        return target

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return self.fragment


def build_report(
    materials: Sequence[ReportMaterial], entries: Sequence[Sequence[Entry]]
) -> HtmlReport:
    """Return the report of one flow run, or the comparison of several.

    Args:
        materials: of each flow run.
        entries: of the ledger, for each flow run.
    """
    pages = [
        build_page(material, own, render_cards(material.cards), f"run{number}-")
        for number, (material, own) in enumerate(zip(materials, entries, strict=True), start=1)
    ]
    is_comparison = len(pages) > 1
    page = Page(
        title=_title_of(pages) if is_comparison else pages[0].pathspec,
        flow_runs=tuple(pages),
        comparison=compare(materials, pages) if is_comparison else None,
        version=__version__,
    )
    return HtmlReport(
        tuple(material.traced.flow_run.pathspec for material in materials),
        render_page(page),
        "".join(map(render_fragment, pages)),
    )


def _title_of(pages: Sequence[FlowRunPage]) -> str:
    flows = {page.flow for page in pages}
    of_flow = f" of {flows.pop()}" if len(flows) == 1 else ""
    return f"{len(pages)} flow runs{of_flow}"


def report_fragment(traced: TracedFlowRun) -> str:
    """Return the small form of a report: HTML for a notebook, without scripts.

    It has the state, the numbers, the failures and the lineage graph, made of facts alone: no
    contents of artifacts are read. All texts are escaped, and its styles have effect only inside.
    """
    return render_fragment(build_page(ReportMaterial(traced), (), (), "run-"))


def report_file_name(flow_runs: Sequence[str]) -> str:
    """Return `WineFlow-123.html`, or `WineFlow-comparison.html` for several flow runs."""
    flow, run = parts_of(flow_runs[0])
    name = f"{flow}-{run}" if len(flow_runs) == 1 else f"{flow}-comparison"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return f"{safe.lstrip('.')[:100] or 'report'}.html"
