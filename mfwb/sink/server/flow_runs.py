"""W&B runs -> the flow runs that they represent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from mfwb.outcome import WandbRunOutcome
from mfwb.ports import ExistingFlowRun
from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["group_by_flow_run"]


def group_by_flow_run(runs: Iterable[ExistingRun]) -> Iterator[ExistingFlowRun]:
    """Yield each flow run that W&B runs represent, oldest first."""
    by_source: defaultdict[FlowRunId, list[ExistingRun]] = defaultdict(list)
    for run in runs:
        source = FlowRunId.from_config(run.source)
        if source is not None:  # else it names no flow run
            by_source[source].append(run)
    for source, group in sorted(by_source.items(), key=lambda item: _sort_key(item[0])):
        yield ExistingFlowRun(
            flow_run=source.flow_run,
            provider=source.provider,
            started_at=source.created_at,
            group=Counter(run.group for run in group).most_common(1)[0][0],
            wandb_runs=tuple(sorted(map(_outcome, group), key=lambda run: run.name)),
        )


def _sort_key(source: FlowRunId) -> tuple[int, str, str]:
    return source.created_at, source.provider, source.flow_run


def _name(existing: ExistingRun) -> str:
    """Return the name that mfwb gave a W&B run: people may have renamed it."""
    facts = existing.handle.config.get("metaflow")
    pathspec = facts.get("pathspec") if isinstance(facts, dict) else None
    return pathspec if isinstance(pathspec, str) else existing.name


def _outcome(existing: ExistingRun) -> WandbRunOutcome:
    receipt = existing.receipt
    return WandbRunOutcome(
        id=existing.id,
        name=_name(existing),
        job_type=existing.job_type,
        state=existing.state,
        url=existing.url,
        outputs=receipt.outputs if receipt else (),
        losses=receipt.losses if receipt else (),
        masked=receipt.masked if receipt else (),
        complete=existing.complete is not None,
    )
