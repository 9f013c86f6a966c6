"""What went to W&B, from the entries of a ledger."""

from __future__ import annotations

from collections.abc import Iterable

from mfwb.destination.addresses import is_web_address
from mfwb.outcome import FlowRunOutcome, WandbRunOutcome
from mfwb.ports import Entry
from mfwb.report.format import project_path, project_urls, short_name
from mfwb.report.html.model import Fact, SyncedRun, SyncedTo
from mfwb.report.html.texts import name_text

__all__ = ["build_destinations"]

_RUNS = 1_000
_LOSSES = 200


def build_destinations(entries: Iterable[Entry]) -> tuple[SyncedTo, ...]:
    """Return what the ledger has of a flow run: one for each destination that it was synced to."""
    return tuple(_destination(entry) for entry in entries)


def _destination(entry: Entry) -> SyncedTo:
    outcome = entry.outcome
    where = entry.destination
    base = where.base if where.mode == "online" else "an offline bundle"
    title = f"{where.entity or 'your default entity'}/{where.project}"
    urls = [] if outcome is None else project_urls([outcome])
    url = urls[0] if urls and is_web_address(urls[0]) else ""
    return SyncedTo(
        title=name_text(f"{title} on {base}" if outcome is None else _title(outcome, base)),
        url=url,
        state=entry.sync_state.value,
        at=entry.at.replace("T", " ").removesuffix("Z"),
        reason=name_text(entry.reason),
        runs=() if outcome is None else tuple(_run(run, outcome) for run in _first_runs(outcome)),
        losses=()
        if outcome is None
        else tuple(
            Fact(name_text(loss.item), name_text(loss.reason, 400))
            for loss in outcome.all_losses[:_LOSSES]
        ),
    )


def _title(outcome: FlowRunOutcome, base: str) -> str:
    return f"{project_path(outcome)} on {base}"


def _first_runs(outcome: FlowRunOutcome) -> tuple[WandbRunOutcome, ...]:
    return outcome.wandb_runs[:_RUNS]


def _run(run: WandbRunOutcome, outcome: FlowRunOutcome) -> SyncedRun:
    url = run.url or ""
    return SyncedRun(
        name=name_text(short_name(run.name, outcome.pathspec)),
        job_type=name_text(run.job_type),
        state="deleted" if run.deleted else name_text(run.state),
        url=url if is_web_address(url) else "",
        artifacts=tuple(
            name_text(f"{output.name}:{output.version}" if output.version else output.name)
            for output in run.outputs[:50]
        ),
        losses=len(run.losses),
    )
