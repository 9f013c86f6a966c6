"""A report of one flow run, or of several, as a page of HTML that needs nothing else."""

from mfwb.report.html.document import HtmlReport, build_report, report_fragment

__all__ = ["HtmlReport", "build_report", "report_fragment"]
