"""Draft the plan of a flow run, and carry out the part of it that concerns one artifact."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mfwb.config import Settings
from mfwb.pipeline.explain.artifact_path import ArtifactPath
from mfwb.pipeline.explain.facts import facts_of
from mfwb.pipeline.explain.lookup import find_artifact, resolve_name
from mfwb.pipeline.explain.model import Explanation, Replayed
from mfwb.pipeline.explain.narrow_plan import keep_only_values, losses_of, narrow_run
from mfwb.pipeline.reading import trace
from mfwb.planning import Plan, draft_plan
from mfwb.planning.names import config_key
from mfwb.planning.size_limits import config_value, select_parameters_as_files
from mfwb.ports import Contents, Payloads, ReadyRun, Source
from mfwb.snapshot import FlowRun, Loss, Parameter
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["explain"]


def explain(  # noqa: PLR0913 - each is a fact of its own
    artifact: ArtifactPath,
    settings: Settings,
    source: Source,
    payloads: Payloads,
    *,
    entity: str | None,
    project: str,
) -> Explanation:
    """Return what an artifact is and what W&B would get of it. Nothing is written to W&B.

    The files are really made, in the folder of `payloads`, so that losses show.

    Args:
        artifact: path of the artifact, with the id of the flow run.
        settings: the settings of this call.
        source: where the flow run is read from.
        payloads: makes the files.
        entity: where W&B runs would go; None: the default of whoever syncs.
        project: where W&B runs would go.

    Raises:
        NotFound: if there is no such flow run, step, task or artifact.
        SourceError: if the flow run can't be read.
        LineageError: if what was recorded of it contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    traced = trace(artifact.flow_run, source, payloads)
    flow_run = traced.flow_run
    artifact = resolve_name(artifact, flow_run)
    match = find_artifact(artifact, flow_run)
    plan = draft_plan(flow_run, traced.lineage, settings, entity=entity, project=project)
    artifacts = tuple(facts_of(match, traced, settings))
    selected = {f"{copy.shown_in}/{artifact.name}" for copy in artifacts}
    if match.parameter is not None:
        selected.add(f"{parameters_of(flow_run.pathspec)}/{artifact.name}")
    replayed, losses = _replay(plan, selected, payloads, source.contents(flow_run))
    return Explanation(
        pathspec=str(artifact),
        flow_run=flow_run.pathspec,
        state=flow_run.state,
        name=artifact.name,
        entity=plan.entity,
        project=plan.project,
        artifacts=artifacts,
        among=match.among,
        parameter=_shown_parameter(match.parameter, flow_run),
        config_key=_config_key(match.parameter),
        wandb_runs=len(plan.runs),
        replayed=replayed,
        losses=losses,
    )


def _shown_parameter(parameter: Parameter | None, flow_run: FlowRun) -> Parameter | None:
    """Return a parameter with the value that config shows, which may be the place of the value."""
    if parameter is None:
        return None
    return replace(parameter, value=config_value(parameter, select_parameters_as_files(flow_run)))


def _config_key(parameter: Parameter | None) -> str:
    if parameter is None:
        return ""
    if parameter.kind == "constant":
        return f"metaflow.constants.{parameter.name}"
    return config_key(parameter.name)


def _replay(
    plan: Plan, selected: Collection[str], payloads: Payloads, contents: Contents
) -> tuple[tuple[Replayed, ...], tuple[Loss, ...]]:
    """Return what W&B runs get of the selected artifacts, and their losses."""
    parts = [(run, part) for run in plan.runs if (part := narrow_run(run, selected)) is not None]
    payloads.prestart(replace(plan, runs=tuple(part for _, part in parts)))
    replayed = []
    losses = [
        *losses_of(selected, plan.losses),
        *(loss for _, part in parts for loss in part.losses),
    ]
    for run, part in parts:
        files, ready = payloads.files(part, contents), payloads.values(part, contents)
        ready = replace(ready, artifacts=files.artifacts, losses=(*ready.losses, *files.losses))
        if part.values:
            ready = _limit_summary(ready, payloads.values(keep_only_values(run), contents))
        lost = tuple(dict.fromkeys(losses_of(selected, ready.losses)))
        replayed.append(Replayed(part, replace(ready, losses=lost)))
        losses += lost
    return tuple(replayed), tuple(dict.fromkeys(losses))


def _limit_summary(ready: ReadyRun, whole: ReadyRun) -> ReadyRun:
    """Return the values that fit into the summary beside all other values: it has a limit.

    The last points of charts are small.
    """
    charts = {name for axis in ready.axes for name in (axis.chart, axis.axis)}
    kept = whole.summary.keys() | charts
    summary = {key: value for key, value in ready.summary.items() if key in kept}
    return replace(ready, summary=summary, losses=(*ready.losses, *whole.losses))
