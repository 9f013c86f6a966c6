"""Failures: turn an error into the outcome of the flow run that it occurred in."""

from __future__ import annotations

from mfwb.errors import SkipFlowRun, ends_the_call
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import BugLog
from mfwb.safe_text import one_line
from mfwb.system_errors import describe_shortage

__all__ = ["failed_outcome"]


def failed_outcome(pathspec: str, error: BaseException, bugs: BugLog) -> FlowRunOutcome:
    """Return the outcome of a flow run that an error ended; raise errors that end the whole call.

    An unexpected error is a bug of mfwb, unless the machine lacks something. Either way it is the
    failure of only this flow run: the other flow runs may be fine, and one of them must not stop
    a cron job.
    """
    if ends_the_call(error):
        raise error
    if isinstance(error, SkipFlowRun):
        return FlowRunOutcome(
            pathspec, Status.FAILED, reason=one_line(str(error)), exit_code=error.exit_code
        )
    lacking = describe_shortage(error)
    reason = bugs.reason(error) if lacking is None else one_line(lacking)
    return FlowRunOutcome(pathspec, Status.FAILED, reason=reason, bug=lacking is None)
