"""The box of each kind of value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from mfwb.destination.addresses import group_url, is_web_address, project_url_of_run
from mfwb.diagnosis import CheckStatus, Diagnosis
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.ports import SyncState
from mfwb.report.format import count, project_path, short_name
from mfwb.report.notebook.model import MAX_ROWS, Box, Cell, Row, Tone, more_line
from mfwb.report.status_list import ago, destination_text
from mfwb.snapshot import Loss
from mfwb.sync_status import KnownFlowRun, SyncStatus
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

__all__ = ["diagnosis_box", "result_box", "status_box", "verification_box"]

_TONES: dict[Status, Tone] = {
    Status.SYNCED: "good",
    Status.UNCHANGED: "good",
    Status.SKIPPED: "warning",
    Status.FAILED: "bad",
}
_MAX_LOSSES = 5


def result_box(result: Result) -> Box:
    """Return the box of what `sync`, `plan` or `push` returned: of one flow run, its W&B runs."""
    facts = [
        Cell(f"{number:,} {status.value}", _TONES.get(status, ""))
        for status in Status
        if (number := sum(run.status is status for run in result.flow_runs))
    ]
    facts += _losses_fact(len(result.losses))
    notes = (*map(Cell, result.notes), *_losses(result.losses))
    if len(result.flow_runs) == 1 and result.flow_runs[0].wandb_runs:
        [flow_run] = result.flow_runs
        runs = flow_run.wandb_runs
        return Box(
            f"mfwb {result.command} {flow_run.pathspec}",
            (*facts, Cell(project_path(flow_run), url=_group_page(flow_run))),
            ("W&B run", "state", "used", "logged"),
            tuple(_wandb_run(run, flow_run.pathspec) for run in runs[:MAX_ROWS]),
            (
                *more_line(len(runs) - MAX_ROWS),
                *([Cell(flow_run.reason, "bad")] if flow_run.reason else []),
                *notes,
            ),
        )
    return Box(
        f"mfwb {result.command}",
        tuple(facts),
        ("flow run", "status", "W&B runs", "losses"),
        tuple(map(_flow_run, _failed_first(result.flow_runs)[:MAX_ROWS])),
        (*more_line(len(result.flow_runs) - MAX_ROWS), *notes),
    )


def _failed_first(flow_runs: Iterable[FlowRunOutcome]) -> list[FlowRunOutcome]:
    return sorted(flow_runs, key=lambda run: run.status is not Status.FAILED)


def _flow_run(run: FlowRunOutcome) -> Row:
    losses = len(run.all_losses)
    return Row(
        (
            Cell(run.pathspec, "strong", _group_page(run)),
            Cell(run.status.value, _TONES.get(run.status, "")),
            Cell(f"{len(run.wandb_runs):,}" if run.wandb_runs else ""),
            Cell(f"{losses:,}" if losses else "", "warning"),
        ),
        Cell(run.reason, "bad" if run.status is Status.FAILED else "quiet") if run.reason else None,
    )


def _wandb_run(run: WandbRunOutcome, pathspec: str) -> Row:
    return Row(
        (
            Cell(short_name(run.name, pathspec), "strong", run.url),
            Cell(run.state, "bad" if run.state == "failed" else "good"),
            Cell(_names(used.name for used in run.inputs)),
            Cell(_names(made.name for made in run.outputs)),
        )
    )


def _names(names: Iterable[str], limit: int = 4) -> str:
    listed = list(dict.fromkeys(names))
    rest = f" +{len(listed) - limit:,}" if len(listed) > limit else ""
    return f"{', '.join(listed[:limit])}{rest}"


def _group_page(flow_run: FlowRunOutcome) -> str | None:
    """Return the page of a flow run's group; None if it was not written online."""
    if flow_run.url and is_web_address(flow_run.url):
        return flow_run.url
    urls = (run.url for run in flow_run.wandb_runs if run.url and is_web_address(run.url))
    url = next(urls, None)
    return url and group_url(project_url_of_run(url), flow_run.group or flow_run.pathspec)


def _losses_fact(number: int) -> list[Cell]:
    return [Cell(count(number, "loss"), "warning")] if number else []


def _losses(losses: Sequence[Loss]) -> tuple[Cell, ...]:
    shown = [Cell(f"lost: {loss.item} - {loss.reason}", "warning") for loss in losses[:_MAX_LOSSES]]
    return (*shown, *more_line(len(losses) - _MAX_LOSSES))


def status_box(status: SyncStatus) -> Box:
    """Return the box of what `status` returned."""
    now = datetime.now(timezone.utc)
    facts: list[tuple[int, str, Tone]] = [
        (sum(row.synced for row in status.flows), "synced", "good"),
        (sum(row.pending for row in status.flows), "pending", "warning"),
        (sum(row.failed for row in status.flows), "failed", "bad"),
        (sum(row.left_out for row in status.flows), "left out", "quiet"),
    ]
    lost = sum(row.lost for row in status.flows)
    rest = len(status.flow_runs) - MAX_ROWS
    return Box(
        "mfwb status",
        (
            *(Cell(f"{number:,} {name}", tone) for number, name, tone in facts if number),
            *_losses_fact(lost),
        ),
        ("flow run", "state", "last sync", "losses", "where"),
        tuple(_known(known, now) for known in status.flow_runs[:MAX_ROWS]),
        (
            *more_line(max(rest, 0) + status.more),
            *([] if status.flows else [Cell("the ledger has no such flow runs", "quiet")]),
        ),
    )


def _known(known: KnownFlowRun, now: datetime) -> Row:
    entry = known.entry
    is_failed = entry.sync_state is SyncState.FAILED
    tone: Tone = "bad" if is_failed else "warning" if entry.sync_state.is_open else "good"
    return Row(
        (
            Cell(entry.flow_run, "strong"),
            Cell(entry.sync_state.value, tone),
            Cell(ago(entry.at, now), "quiet"),
            Cell(f"{known.lost:,}" if known.lost else "", "warning"),
            Cell(destination_text(entry.destination, with_base=False)),
        ),
        Cell(entry.reason, "bad" if is_failed else "quiet") if entry.reason else None,
    )


_VERDICTS: dict[Verdict, Tone] = {
    Verdict.SAME: "good",
    Verdict.DIFFERENT: "bad",
    Verdict.SKIPPED: "warning",
    Verdict.FAILED: "bad",
}


def verification_box(verification: Verification) -> Box:
    """Return the box of what `verify` returned: the flow runs, and the first differences."""
    runs = sorted(verification.flow_runs, key=lambda run: _VERDICTS[run.verdict] != "bad")
    differences = [difference for run in runs for difference in run.differences]
    return Box(
        "mfwb verify",
        tuple(
            Cell(f"{number:,} {verdict.value}", _VERDICTS[verdict])
            for verdict in Verdict
            if (number := sum(run.verdict is verdict for run in runs))
        ),
        ("flow run", "verdict", "compared", "differences", "unknown"),
        tuple(map(_verified, runs[:MAX_ROWS])),
        (
            *more_line(len(runs) - MAX_ROWS),
            *(Cell(_difference(difference), "bad") for difference in differences[:_MAX_LOSSES]),
            *more_line(len(differences) - _MAX_LOSSES),
            *map(Cell, verification.notes),
        ),
    )


def _difference(difference: Difference) -> str:
    where = difference.wandb_run or ""
    return f"{where} {difference.kind} {difference.item}: {difference.cause}".strip()


def _verified(run: FlowRunVerification) -> Row:
    numbers = (sum((run.compared or {}).values()), len(run.differences), len(run.unknown))
    return Row(
        (
            Cell(run.pathspec, "strong"),
            Cell(run.verdict.value, _VERDICTS[run.verdict]),
            *(Cell(f"{number:,}" if number else "") for number in numbers),
        ),
        Cell(run.reason, "bad" if run.verdict is Verdict.FAILED else "quiet")
        if run.reason
        else None,
    )


_CHECKS: dict[CheckStatus, Tone] = {
    CheckStatus.PASSED: "good",
    CheckStatus.WARNED: "warning",
    CheckStatus.FAILED: "bad",
    CheckStatus.SKIPPED: "quiet",
}


def diagnosis_box(diagnosis: Diagnosis) -> Box:
    """Return the box of what `doctor` returned: checks that did not pass, and what to do."""
    return Box(
        "mfwb doctor",
        tuple(
            Cell(f"{diagnosis.count(status):,} {status.value}", _CHECKS[status])
            for status in CheckStatus
            if diagnosis.count(status)
        ),
        ("check", "status", "result"),
        tuple(
            Row(
                (
                    Cell(f"{check.group}: {check.name}", "strong"),
                    Cell(check.status.value, _CHECKS[check.status]),
                    Cell(check.detail),
                ),
                Cell(check.advice, _CHECKS[check.status]) if check.advice else None,
            )
            for check in diagnosis.checks
            if check.status is not CheckStatus.PASSED
        ),
    )
