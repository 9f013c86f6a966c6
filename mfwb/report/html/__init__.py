"""A report of one flow run, or of several, as a page of HTML that needs nothing else."""

from mfwb.report.html.document import HtmlReport, build_report, report_fragment
from mfwb.report.html.overview import render_overview

__all__ = ["HtmlReport", "build_report", "render_overview", "report_fragment"]
