"""What an error does to the flow run that it came up with, and to no other one."""

from __future__ import annotations

from mfwb.errors import SkipFlowRun, ends_the_call
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import Bugs
from mfwb.safe_text import one_line
from mfwb.system_errors import describe_shortage

__all__ = ["failed"]


def failed(pathspec: str, error: BaseException, bugs: Bugs) -> FlowRunOutcome:
    """Return the outcome of a flow run that an error ended; what ends the call is raised again.

    An error that nobody foresaw is a bug of ours, unless the machine lacks something; and the flow
    run's failure all the same: the other flow runs may be sound, and a cron job must not stand
    still for one of them.
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
