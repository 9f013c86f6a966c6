"""Progress on stderr: a line that moves on a terminal or in a notebook, whole lines elsewhere."""

from mfwb.report.progress.choice import progress_on_stderr
from mfwb.report.progress.terminal import leave_terminal

__all__ = ["leave_terminal", "progress_on_stderr"]
