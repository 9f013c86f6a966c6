"""The log of a bug: versions, settings, the last operations and the traceback, without secrets."""

from mfwb.crash_log.log import BugLogs, bug_reason, format_traceback, write_bug_log
from mfwb.crash_log.secrets import redact

__all__ = ["BugLogs", "bug_reason", "format_traceback", "redact", "write_bug_log"]
