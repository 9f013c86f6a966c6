"""Inputs of a W&B run from other flow runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mfwb.config import Settings
from mfwb.lineage import ExternalUse, Lineage
from mfwb.planning.logging_runs import LoggedIndex, index_logged_artifacts
from mfwb.planning.names import project_path
from mfwb.planning.outputs import select_outputs
from mfwb.planning.picked import LoggedBy, trace_logged_by
from mfwb.planning.plan import InputArtifact, OutputArtifact, use_item
from mfwb.planning.run_scopes import RunScope, build_run_scopes
from mfwb.snapshot import FlowRun, Loss
from mfwb.snapshot.pathspec import flow_run_of

__all__ = ["ExternalInputs", "OtherFlowRun"]


@dataclass(frozen=True, slots=True)
class OtherFlowRun:
    """A flow run whose artifacts another flow run uses, and where its W&B runs are."""

    flow_run: FlowRun
    lineage: Lineage
    entity: str | None
    project: str


class ExternalInputs:
    """The W&B artifacts of other flow runs, found by the uses in a lineage."""

    def __init__(
        self, lineage: Lineage, others: Iterable[OtherFlowRun], settings: Settings
    ) -> None:
        self._uses: dict[str, list[ExternalUse]] = defaultdict(list)
        for use in lineage.external_uses:
            self._uses[use.edge.consumer].append(use)
        self._logged: dict[str, tuple[str, LoggedIndex, LoggedBy]] = {}
        for other in others:
            scopes = build_run_scopes(other.flow_run, settings)
            logged_by = trace_logged_by(scopes, other.flow_run, other.lineage)
            outputs = select_outputs(scopes, other.flow_run, other.lineage, logged_by)
            destination = project_path(other.entity, other.project)
            logged = index_logged_artifacts(scopes, outputs)
            self._logged[other.flow_run.pathspec] = (destination, logged, logged_by)
        self._lineage = lineage

    def select_for(self, scope: RunScope) -> tuple[set[InputArtifact], list[Loss]]:
        """Return the artifacts of other flow runs that a W&B run uses, and the losses among them.

        A value that is only in a summary, without a W&B artifact, is not among them.
        """
        used = {
            InputArtifact(
                name=artifact.name,
                type=artifact.type,
                producer=producer.id,
                producer_name=producer.name,
                ground=use.edge.evidence.value,
                place=destination,
            )
            for task in scope.tasks
            for use in self._uses[task.pathspec]
            for destination, producer, artifact in self._find(use)
        }
        losses = [
            Loss(use_item(read.artifact or read.pathspec, scope.name), reason)
            for read in self._lineage.external_reads_of(scope.tasks)
            if (reason := self._lineage.unread.get(read))
        ]
        return used, losses

    def _find(self, use: ExternalUse) -> Iterator[tuple[str, RunScope, OutputArtifact]]:
        flow_run = flow_run_of(use.edge.producer)
        destination, logged, logged_by = self._logged[flow_run]
        name = use.edge.artifact
        match = logged.get((logged_by.task_of(use.holder or use.edge.producer, name), name))
        if match is not None:
            yield destination, *match
