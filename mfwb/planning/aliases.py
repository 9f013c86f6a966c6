"""Aliases of the W&B artifacts of a flow run: `latest`, `run-123`, and those of candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mfwb.planning import names
from mfwb.planning.logging_runs import index_logged_artifacts
from mfwb.planning.outputs import Outputs
from mfwb.planning.picked import LoggedBy
from mfwb.planning.plan import OutputArtifact, PlannedRun, WandbRunId
from mfwb.planning.run_scopes import RunScope
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import step_of

__all__ = ["add_aliases", "find_final"]


def find_final(
    flow_run: FlowRun,
    scopes: Sequence[RunScope],
    outputs: Mapping[WandbRunId, Outputs],
    logged_by: LoggedBy,
) -> dict[str, WandbRunId]:
    """Return the W&B run that logs what the last task of a flow run has, by W&B artifact name."""
    logged = index_logged_artifacts(scopes, outputs)
    last_tasks = [task for task in flow_run.tasks if task.step == flow_run.end_step]
    held = [
        (logged_by.task_of(task.pathspec, ref.name), ref.name)
        for task in last_tasks
        for ref in task.artifacts
    ]
    versions = (logged[key] for key in held if key in logged)
    return {artifact.name: scope.id for scope, artifact in versions}


def add_aliases(
    runs: Sequence[PlannedRun], flow_run: FlowRun, final: Mapping[str, WandbRunId]
) -> Iterator[PlannedRun]:
    """Yield the W&B runs with the aliases of their artifacts.

    `latest` and `run-123` belong to what the last task of the flow run has. Of a name that the last
    task does not have, they belong to the last W&B run that logs it: siblings of a foreach come to
    W&B in any order, but the same one always gets them.

    Args:
        runs: the W&B runs.
        flow_run: the flow run.
        final: the W&B run that logs what the last task has, by name.
    """
    order = sorted(range(len(runs)), key=lambda position: (runs[position].level, position))
    owners = {
        output.name: runs[position].id for position in order for output in runs[position].outputs
    }
    owners.update(final)
    of_final = ("latest", names.run_alias(flow_run.id))
    for run in runs:
        outputs = (
            replace(
                artifact,
                aliases=(
                    *(of_final if owners[artifact.name] == run.id else ()),
                    *([_candidate_alias(artifact, run, flow_run)] if artifact.is_candidate else ()),
                ),
            )
            for artifact in run.outputs
        )
        yield replace(run, outputs=tuple(outputs))


def _candidate_alias(artifact: OutputArtifact, run: PlannedRun, flow_run: FlowRun) -> str:
    step = step_of(artifact.files[0].content.task)
    return names.candidate_alias(flow_run.id, step, None if run.merged else run.tasks[0].label)
