"""Draft the plan of a flow run, and carry out the part of it that is about one artifact."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mfwb.config import Settings
from mfwb.pipeline.explain.artifact_path import AskedArtifact
from mfwb.pipeline.explain.facts import facts_of
from mfwb.pipeline.explain.lookup import as_named, find
from mfwb.pipeline.explain.model import Explanation, Replayed
from mfwb.pipeline.explain.narrow_plan import losses_of, narrowed, only_values
from mfwb.pipeline.reading import trace
from mfwb.planning import Plan, draft_plan
from mfwb.planning.names import config_key
from mfwb.planning.size_limits import config_value, select_parameters_as_files
from mfwb.ports import Contents, Payloads, ReadyRun, Source
from mfwb.snapshot import FlowRun, Loss, Parameter
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["explain"]


def explain(  # noqa: PLR0913 - each is a fact of its own
    asked: AskedArtifact,
    settings: Settings,
    source: Source,
    payloads: Payloads,
    *,
    entity: str | None,
    project: str,
) -> Explanation:
    """Return what an artifact is and what W&B would get of it. Nothing is written to W&B.

    The very files are made, in the folder of `payloads`, so that what is lost shows.

    Args:
        asked: which artifact, of a flow run that is named by its id.
        settings: of this call.
        source: where the flow run is read from.
        payloads: what makes files.
        entity: where W&B runs would go; None: the default of whoever syncs.
        project: where W&B runs would go.

    Raises:
        NotFound: if there is no such flow run, step, task or artifact.
        SourceError: if the flow run can't be read.
        LineageError: if what was recorded of it contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    traced = trace(asked.flow_run, source, payloads)
    flow_run = traced.flow_run
    asked = as_named(asked, flow_run)
    found = find(asked, flow_run)
    plan = draft_plan(flow_run, traced.lineage, settings, entity=entity, project=project)
    artifacts = tuple(facts_of(found, traced, settings))
    meant = {f"{one.shown_in}/{asked.name}" for one in artifacts}
    if found.parameter is not None:
        meant.add(f"{parameters_of(flow_run.pathspec)}/{asked.name}")
    replayed, losses = _replay(plan, meant, payloads, source.contents(flow_run))
    return Explanation(
        pathspec=str(asked),
        flow_run=flow_run.pathspec,
        state=flow_run.state,
        name=asked.name,
        entity=plan.entity,
        project=plan.project,
        artifacts=artifacts,
        among=found.among,
        parameter=_as_said(found.parameter, flow_run),
        config_key=_config_key(found.parameter),
        wandb_runs=len(plan.runs),
        replayed=replayed,
        losses=losses,
    )


def _as_said(parameter: Parameter | None, flow_run: FlowRun) -> Parameter | None:
    """Return a parameter with what config says of it, which may be where its value is."""
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
    plan: Plan, meant: Collection[str], payloads: Payloads, contents: Contents
) -> tuple[tuple[Replayed, ...], tuple[Loss, ...]]:
    """Return what W&B runs get of some artifacts, and what is lost of these."""
    parts = [(run, part) for run in plan.runs if (part := narrowed(run, meant)) is not None]
    payloads.expect(replace(plan, runs=tuple(part for _, part in parts)))
    replayed = []
    losses = [*losses_of(meant, plan.losses), *(loss for _, part in parts for loss in part.losses)]
    for run, part in parts:
        files, ready = payloads.files(part, contents), payloads.values(part, contents)
        ready = replace(ready, artifacts=files.artifacts, losses=(*ready.losses, *files.losses))
        if part.values:
            ready = _beside_others(ready, payloads.values(only_values(run), contents))
        lost = tuple(dict.fromkeys(losses_of(meant, ready.losses)))
        replayed.append(Replayed(part, replace(ready, losses=lost)))
        losses += lost
    return tuple(replayed), tuple(dict.fromkeys(losses))


def _beside_others(ready: ReadyRun, whole: ReadyRun) -> ReadyRun:
    """Return what is left of some values in a summary that others share: there is a limit."""
    summary = {key: value for key, value in ready.summary.items() if key in whole.summary}
    return replace(ready, summary=summary, losses=(*ready.losses, *whole.losses))
