"""A verification as a summary for CI: a table of flow runs, and what differs."""

from __future__ import annotations

from collections.abc import Iterator

from mfwb.report.step_summary import Cell, StepSummary, to_markdown
from mfwb.report.verification.problems import problem_lines
from mfwb.report.verification.text import verification_totals
from mfwb.verification_outcome import FlowRunVerification, Verdict, Verification

__all__ = ["verification_to_markdown"]

_HEADINGS = ("Flow run", "Verdict", "W&B project", "W&B runs", "Items", "Differences", "Undecided")


def verification_to_markdown(verification: Verification) -> str:
    """Return a verification as Markdown."""
    return to_markdown(
        StepSummary(
            "mfwb verify",
            sentences=(verification_totals(verification),),
            headings=_HEADINGS,
            rows=tuple(map(_row, verification.flow_runs)),
            remarks=(*problem_lines(verification), *_differences(verification)),
        )
    )


def _row(flow_run: FlowRunVerification) -> tuple[Cell, ...]:
    compared = flow_run.compared or {}
    numbers = (
        compared.get("run", 0),
        sum(compared.values()),
        len(flow_run.differences),
        len(flow_run.unknown),
    )
    is_known = flow_run.verdict in (Verdict.SAME, Verdict.DIFFERENT)
    return (
        Cell(flow_run.pathspec),
        Cell(flow_run.verdict.value),
        Cell("/".join(part for part in (flow_run.entity, flow_run.project) if part)),
        *(Cell(f"{number:,}" if is_known else "") for number in numbers),
    )


def _differences(verification: Verification) -> Iterator[str]:
    for flow_run in verification.flow_runs:
        for difference in flow_run.differences:
            yield f"{difference.kind} {difference.item}: {difference.cause}"
