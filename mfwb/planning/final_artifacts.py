"""The final artifacts of a flow run: those that `Run("Flow/123").data` gives, as W&B artifacts.

For a flow run that did not finish, which has no such data, it is the last one of each name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mfwb.lineage import Lineage
from mfwb.planning.plan import OutputArtifact, PlannedRun
from mfwb.snapshot import ArtifactRef, FlowRun, FlowRunState

__all__ = ["FinalArtifact", "select_final_artifacts"]


@dataclass(frozen=True, slots=True)
class FinalArtifact:
    """A W&B artifact that has a final artifact, and the W&B run that logs it."""

    output: OutputArtifact
    run: PlannedRun


def select_final_artifacts(
    flow_run: FlowRun, lineage: Lineage, runs: Sequence[PlannedRun]
) -> list[FinalArtifact]:
    """Return the final artifacts of a flow run that are logged, sorted by name.

    If several W&B artifacts have the content, the best is the one that has nothing else, then the
    one with the aliases, then the last one.

    Args:
        flow_run: the flow run.
        lineage: of the same flow run.
        runs: its planned W&B runs, with the aliases of their outputs.
    """
    candidates: dict[tuple[str, str], tuple[tuple[bool, bool, int, int], FinalArtifact]] = {}
    for position, run in enumerate(runs):
        for output in run.outputs:
            rank = (len(output.files) == 1, "latest" in output.aliases, run.level, position)
            for file in output.files:
                key = (file.content.name, file.content.sha1)
                known = candidates.get(key)
                if known is None or known[0] < rank:
                    candidates[key] = (rank, FinalArtifact(output, run))
    final: dict[tuple[str, str], FinalArtifact] = {}
    for name, sha1s in _final_contents(flow_run, lineage):
        matches = [match for sha1 in sha1s if (match := candidates.get((name, sha1)))]
        if matches:
            artifact = max(matches, key=lambda match: match[0])[1]
            final[artifact.output.name, artifact.output.type] = artifact
    return [final[key] for key in sorted(final)]


def _final_contents(flow_run: FlowRun, lineage: Lineage) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the names, each with the sha1 that it has at the end and the one that was written."""
    tasks = {task.pathspec: task for task in flow_run.tasks}
    last: dict[str, tuple[str, ArtifactRef]] = {}
    for pathspec in _last_tasks(flow_run, lineage):
        last.update({ref.name: (pathspec, ref) for ref in tasks[pathspec].artifacts})
    for name, (pathspec, ref) in last.items():
        written = tasks[lineage.producer_of(pathspec, name)].artifact(name) or ref
        yield name, (written.sha1, ref.sha1)


def _last_tasks(flow_run: FlowRun, lineage: Lineage) -> Sequence[str]:
    end = [
        task.pathspec
        for step in flow_run.steps
        if step.name == flow_run.end_step
        for task in step.tasks
    ]
    if flow_run.state is FlowRunState.FINISHED and end:
        return end
    return lineage.order
