"""Lineage as one JSON document."""

from __future__ import annotations

from mfwb.lineage import Edge, Lineage
from mfwb.lineage.static_analysis import ExternalRead
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.lineage.document_types import (
    EdgeDocument,
    ExternalDocument,
    HistoryDocument,
    LineageDocument,
    TaskDocument,
    VersionDocument,
)
from mfwb.report.lineage.held_artifacts import assigned_again, passed_on
from mfwb.report.lineage.history import ArtifactHistory, Version
from mfwb.report.lineage.reasons import Reasons
from mfwb.snapshot import Task

__all__ = ["history_to_dict", "to_dict"]


def to_dict(traced: TracedFlowRun, *, explain: bool = False) -> LineageDocument:
    """Return the document that `--format json` prints.

    Args:
        traced: a flow run and its lineage.
        explain: whether each edge has a text that explains its evidence.
    """
    flow_run, lineage = traced.flow_run, traced.lineage
    reasons = Reasons(traced) if explain else None
    return {
        "version": 1,
        "flow_run": flow_run.pathspec,
        "state": flow_run.state.value,
        "tasks": [_task(task, lineage) for task in flow_run.tasks],
        "edges": [
            _edge(edge, reasons)
            for edge in (*lineage.edges, *(use.edge for use in lineage.external_uses))
        ],
        "doubts": {step: list(doubts) for step, doubts in sorted(lineage.doubts.items())},
        "externals": {
            step.name: [_external(external, lineage.unread.get(external)) for external in externals]
            for step in sorted(flow_run.steps, key=lambda step: step.name)
            if (externals := lineage.external_reads_of(step.tasks))
        },
    }


def history_to_dict(
    history: ArtifactHistory, traced: TracedFlowRun, *, explain: bool = False
) -> HistoryDocument:
    """Return the document that `--artifact NAME --format json` prints."""
    reasons = Reasons(traced) if explain else None
    return {
        "version": 1,
        "flow_run": traced.flow_run.pathspec,
        "state": traced.flow_run.state.value,
        "artifact": history.name,
        "versions": [_version(version) for version in history.versions],
        "edges": [_edge(edge, reasons) for version in history.versions for edge in version.uses],
    }


def _task(task: Task, lineage: Lineage) -> TaskDocument:
    reads = lineage.reads.get(task.pathspec)
    return {
        "pathspec": task.pathspec,
        "state": task.state.value,
        "cloned_from": task.origin,
        "parents": list(lineage.parents[task.pathspec]),
        "reads": None if reads is None else list(reads),
        "writes": list(lineage.writes[task.pathspec]),
        "assigned_again": list(assigned_again(task, lineage)),
        "passed_on": list(passed_on(task, lineage)),
    }


def _edge(edge: Edge, reasons: Reasons | None) -> EdgeDocument:
    document: EdgeDocument = {
        "consumer": edge.consumer,
        "artifact": edge.artifact,
        "producer": edge.producer,
        "sha1": edge.sha1,
        "ground": edge.evidence.value,
    }
    if reasons is not None:
        document["why"] = reasons.why_of(edge)
    return document


def _external(external: ExternalRead, unread: str | None) -> ExternalDocument:
    return {
        "kind": external.kind,
        "pathspec": external.pathspec,
        "artifact": external.artifact,
        "unread": unread,
    }


def _version(version: Version) -> VersionDocument:
    return {
        "producer": version.producer,
        "sha1": version.ref.sha1,
        "size": version.ref.size,
        "type": version.ref.type,
        "changes": list(version.changes),
        "passed_on": list(version.passed_on),
        "assigned_again": list(version.assigned_again),
        "used_by": list(dict.fromkeys(edge.consumer for edge in version.uses)),
    }
