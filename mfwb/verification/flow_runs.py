"""Verify flow runs one after the other; a failure ends only its own flow run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from threading import Lock

from mfwb.config import Settings
from mfwb.errors import SkipFlowRun, ends_the_call
from mfwb.ports import BugLog, Progress
from mfwb.safe_text import one_line
from mfwb.snapshot.pathspec import flow_of
from mfwb.system_errors import describe_shortage
from mfwb.units.subsets import Subset
from mfwb.verification.connection import RecordedProjects
from mfwb.verification.expected.value_reader import new_value_server
from mfwb.verification.verify import Shared, verify_flow_run
from mfwb.verification_outcome import FlowRunVerification, Verdict

__all__ = ["ChosenFlowRun", "Watched", "verify_flow_runs"]

_AT_ONCE = 8  # flow runs


@dataclass(frozen=True, slots=True)
class ChosenFlowRun:
    """A flow run to verify.

    Attributes:
        pathspec: `Flow/123`; of a flow that can't be listed, its name.
        error: why it can't be read, if that is known already.
        excluded: why it is not verified, if an option excludes it.
    """

    pathspec: str
    error: BaseException | None = None
    excluded: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What is notified while flow runs are verified.

    Attributes:
        progress: is notified of each flow run.
        bugs: writes a log for each error of mfwb's own.
    """

    progress: Progress
    bugs: BugLog


def verify_flow_runs(
    chosen: Sequence[ChosenFlowRun],
    settings: Settings,
    projects: RecordedProjects,
    read_data: Subset,
    watched: Watched,
) -> Iterator[FlowRunVerification]:
    """Yield the verification of each flow run, in their order.

    Args:
        chosen: the flow runs.
        settings: those of a sync, which decide what W&B should have.
        projects: W&B.
        read_data: the files whose bytes are compared.
        watched: what is notified of flow runs and of errors.

    Raises:
        UsageError: a setting is wrong.
        Unreachable: Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    values = new_value_server()
    shared = Shared(Lock(), values)

    def verify(flow_run: ChosenFlowRun) -> FlowRunVerification:
        try:
            if flow_run.error is not None:
                raise flow_run.error  # noqa: TRY301 - it ends as any other error of a flow run
            if flow_run.excluded is not None:
                return FlowRunVerification(flow_run.pathspec, Verdict.SKIPPED, flow_run.excluded)
            return _verified(flow_run.pathspec, settings, projects, read_data, shared)
        except BaseException as error:  # noqa: BLE001 - see `_failed`
            return _failed(flow_run.pathspec, error, watched.bugs)

    def verify_and_notify(flow_run: ChosenFlowRun) -> FlowRunVerification:
        verified = verify(flow_run)
        watched.progress.finished(verified)
        return verified

    watched.progress.selected(len(chosen))
    at_once = max(1, min(settings.workers or _AT_ONCE, _AT_ONCE, len(chosen)))
    if projects.is_local:  # there is nothing to wait for
        at_once = 1
    with closing(values):
        if any(flow_run.error is None and flow_run.excluded is None for flow_run in chosen):
            with suppress(OSError):  # whoever needs it notes what is wrong
                values.start()  # which takes a while, in another process
        yield from _several(verify_and_notify, chosen, at_once, watched.progress)


def _several(
    verify: Callable[[ChosenFlowRun], FlowRunVerification],
    chosen: Sequence[ChosenFlowRun],
    at_once: int,
    progress: Progress,
) -> Iterator[FlowRunVerification]:
    """Yield the verifications in order; no more are begun than `at_once` ahead of the next one."""
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="mfwb-verify-flow-run")
    begun: deque[Future[FlowRunVerification]] = deque()
    try:
        for position, flow_run in enumerate(chosen):
            if len(begun) == at_once:
                yield begun.popleft().result()
            progress.flow_run(flow_run.pathspec, position, len(chosen))
            begun.append(pool.submit(verify, flow_run))
        while begun:
            yield begun.popleft().result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _verified(
    pathspec: str,
    settings: Settings,
    projects: RecordedProjects,
    read_data: Subset,
    shared: Shared,
) -> FlowRunVerification:
    flow = flow_of(pathspec)
    recorded = projects.of(flow)
    entity, project = projects.destination(flow)
    before = recorded.requests
    verified = verify_flow_run(pathspec, settings, recorded, read_data, shared)
    return replace(
        verified,
        entity=verified.entity or entity,
        project=verified.project or project,
        requests=recorded.requests - before,
    )


def _failed(pathspec: str, error: BaseException, bugs: BugLog) -> FlowRunVerification:
    """Return the verification of a flow run that an error ended; raise what ends the whole call."""
    if ends_the_call(error):
        raise error
    if isinstance(error, SkipFlowRun):
        return FlowRunVerification(
            pathspec, Verdict.FAILED, one_line(str(error)), exit_code=error.exit_code
        )
    shortage = describe_shortage(error)
    reason = bugs.reason(error) if shortage is None else one_line(shortage)
    return FlowRunVerification(pathspec, Verdict.FAILED, reason, bug=shortage is None)
