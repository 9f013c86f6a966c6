"""An explanation as one JSON document."""

from __future__ import annotations

from mfwb.pipeline.explain import Explanation, Replayed, TaskArtifact
from mfwb.ports import AppliedRule, ReadyArtifact, ReadyPreview
from mfwb.report.explain.charts import charts_of, columns_of
from mfwb.report.explain.document_types import (
    ArtifactDocument,
    ExplainDocument,
    ParameterDocument,
    PreviewDocument,
    RefDocument,
    RulesDocument,
    TaskDocument,
    WandbRunDocument,
)
from mfwb.report.explain.files import files_of
from mfwb.report.explain.reasons import explain_kind, why_not_more
from mfwb.snapshot import ArtifactRef

__all__ = ["to_dict"]


def to_dict(explanation: Explanation) -> ExplainDocument:
    """Return the document that `--json` prints."""
    return {
        "version": 1,
        "artifact": explanation.pathspec,
        "name": explanation.name,
        "flow_run": explanation.flow_run,
        "state": explanation.state.value,
        "entity": explanation.entity,
        "project": explanation.project,
        "parameter": _parameter(explanation),
        "among_tasks": explanation.among,
        "tasks": [_task(artifact) for artifact in explanation.artifacts],
        "wandb_runs": [_run(replayed) for replayed in explanation.replayed],
        "losses": [{"item": loss.item, "reason": loss.reason} for loss in explanation.losses],
    }


def _parameter(explanation: Explanation) -> ParameterDocument | None:
    parameter = explanation.parameter
    if parameter is None:
        return None
    return {
        "kind": parameter.kind,
        "value": parameter.value,
        "config_key": explanation.config_key,
        "wandb_runs": explanation.wandb_runs,
        **_ref(parameter.ref),
    }


def _ref(ref: ArtifactRef) -> RefDocument:
    return {"type": ref.type, "size": ref.size, "sha1": ref.sha1, "encoding": ref.encoding}


def _task(artifact: TaskArtifact) -> TaskDocument:
    reason = artifact.reason
    deciding_type = reason.deciding_type
    return {
        "task": artifact.task,
        "attempt": artifact.attempt,
        **_ref(artifact.ref),
        "producer": artifact.producer,
        "shown_in": artifact.shown_in,
        "kind": reason.classification.kind.value,
        "form": reason.classification.form.value,
        "why": explain_kind(reason),
        "ground": deciding_type.evidence.value,
        "decided_by": deciding_type.name,
        "pattern": deciding_type.pattern,
        "converter": deciding_type.converter,
        "not_done": why_not_more(reason),
        "switched_off": artifact.switched_off,
    }


def _run(replayed: Replayed) -> WandbRunDocument:
    planned, ready = replayed.planned, replayed.ready
    return {
        "id": planned.id,
        "name": planned.name,
        "summary": ready.summary,
        "charts": charts_of(replayed),
        "table_columns": columns_of(replayed),
        "artifacts": [_artifact(artifact) for artifact in ready.artifacts],
        "previews": [_preview(preview) for preview in ready.previews],
    }


def _artifact(artifact: ReadyArtifact) -> ArtifactDocument:
    planned = artifact.planned
    return {
        "name": planned.name,
        "type": planned.type,
        "aliases": list(planned.aliases),
        "files": [
            {
                "path": made_file.file.path,
                "size": made_file.file.size,
                "form": made_file.form.value,
                "task": made_file.task,
                "reference": made_file.file.uri,
            }
            for made_file in files_of(artifact)
        ],
        "modules": artifact.metadata.get("modules"),
        "description": artifact.description,
        "metadata": {**planned.metadata, **artifact.metadata},
        "rules": None if artifact.rule is None else _rules(artifact.rule),
    }


def _rules(rule: AppliedRule) -> RulesDocument:
    outcome = rule.outcome
    return {
        "aliases": list(outcome.aliases),
        "link": outcome.link,
        "metadata": rule.metadata,
        "notes": list(outcome.notes),
    }


def _preview(preview: ReadyPreview) -> PreviewDocument:
    table = preview.table
    return {
        "key": preview.key,
        "kind": preview.kind.value,
        "rows": None if table is None else len(table.rows),
        "columns": None if table is None else list(table.columns),
    }
