"""A result as test cases for CI: a suite for each flow run, a case for each W&B run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mfwb.account import Ending
from mfwb.errors import MfwbError
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.report.format import short_name
from mfwb.report.junit import Case, Suite, to_junit
from mfwb.snapshot import Loss

__all__ = ["error_to_junit", "result_to_junit"]


def result_to_junit(result: Result, *, strict: bool) -> str:
    """Return a result as JUnit XML.

    Args:
        result: the result of a call.
        strict: losses are failures, as for the exit code; otherwise they are only told.
    """
    suites = [_suite(flow_run, result.command, strict=strict) for flow_run in result.flow_runs]
    return to_junit(suites, f"mfwb {result.command}")


def error_to_junit(error: BaseException) -> str:
    """Return an error that ended a call, so that there is no result, as JUnit XML."""
    message = str(error) if isinstance(error, MfwbError) else f"{type(error).__name__}: {error}"
    case = Case("mfwb", error=(message,), kind=type(error).__name__)
    return to_junit([Suite("mfwb", (case,))], "mfwb")


def _suite(flow_run: FlowRunOutcome, command: str, *, strict: bool) -> Suite:
    runs = [_run_case(run, flow_run, strict=strict) for run in flow_run.wandb_runs]
    return Suite(
        flow_run.pathspec,
        (_flow_run_case(flow_run, command, strict=strict), *runs),
        tuple(_properties(flow_run)),
    )


def _flow_run_case(flow_run: FlowRunOutcome, command: str, *, strict: bool) -> Case:
    """Return the case of the flow run as a whole, which also those have that have no W&B run."""
    reason = flow_run.reason or "no reason was recorded"
    lost = _loss_lines(flow_run.losses)
    if flow_run.status is Status.FAILED:
        lines = (reason, *lost)
        if flow_run.bug:
            return Case(command, error=lines, kind="bug")
        return Case(command, failure=lines, kind="failed")
    skipped = reason if flow_run.status is Status.SKIPPED else ""
    return _with_losses(
        Case(command, skipped=skipped, output=(flow_run.status.value,)), lost, strict
    )


def _run_case(run: WandbRunOutcome, flow_run: FlowRunOutcome, *, strict: bool) -> Case:
    name = short_name(run.name, flow_run.pathspec)
    output = tuple(_facts(run))
    lost = _loss_lines(run.losses)
    if run.deleted:
        return Case(name, skipped="it was deleted in W&B, and is not written again", output=output)
    if not run.complete:
        lines = ("W&B did not take all of it", *lost)
        return Case(name, failure=lines, kind="incomplete", output=output)
    return _with_losses(Case(name, output=output), lost, strict)


def _with_losses(case: Case, lost: Sequence[str], strict: bool) -> Case:  # noqa: FBT001 - as above
    if strict and lost:
        return Case(case.name, failure=tuple(lost), kind="loss", output=case.output)
    return Case(case.name, skipped=case.skipped, output=(*case.output, *lost))


def _loss_lines(losses: Iterable[Loss]) -> tuple[str, ...]:
    return tuple(f"lost {loss.item}: {loss.reason}" for loss in losses)


def _facts(run: WandbRunOutcome) -> Iterator[str]:
    yield f"state: {run.state}"
    if address := run.url or run.dir:
        yield f"see: {address}"
    for kind, numbers in (run.account or {}).items():
        ends = (f"{numbers[end]} {end.value}" for end in Ending if numbers.get(end))
        yield f"{kind.value}: {', '.join(ends)}"


def _properties(flow_run: FlowRunOutcome) -> Iterator[tuple[str, str]]:
    facts = {
        "status": flow_run.status.value,
        "entity": flow_run.entity,
        "project": flow_run.project,
        "group": flow_run.group,
        "mode": flow_run.mode,
    }
    yield from ((name, value) for name, value in facts.items() if value)
    for kind, numbers in (flow_run.account or {}).items():
        yield from ((f"{kind.value}.{end.value}", str(number)) for end, number in numbers.items())
