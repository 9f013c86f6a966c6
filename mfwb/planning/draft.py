"""Draft of a plan, from a snapshot, its lineage and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from mfwb.config import Settings
from mfwb.lineage import Lineage
from mfwb.planning import names
from mfwb.planning.aliases import add_aliases, find_final
from mfwb.planning.artifact_rules import add_artifact_rules
from mfwb.planning.checkpoint_series import add_series
from mfwb.planning.code_artifact import plan_code
from mfwb.planning.console_links import Consoles, build_links
from mfwb.planning.external_inputs import ExternalInputs, OtherFlowRun
from mfwb.planning.foreach_items import FOREACH, describe_foreach, list_foreach_columns
from mfwb.planning.inputs import Inputs, select_inputs
from mfwb.planning.last_steps import BAD_STATES, describe_dead_ends, find_dead_ends
from mfwb.planning.outputs import Outputs, select_outputs
from mfwb.planning.overview import plan_overview
from mfwb.planning.picked import trace_logged_by
from mfwb.planning.plan import Form, Plan, PlannedCard, PlannedRun, TaskRow, WandbRunId
from mfwb.planning.run_metadata import (
    describe_failure,
    describe_flow_run,
    describe_links,
    describe_origin,
    describe_outcome,
    describe_tasks,
    seconds_between,
    span_of,
)
from mfwb.planning.run_notes import build_notes
from mfwb.planning.run_scopes import RunScope, build_run_scopes, task_label
from mfwb.planning.size_limits import (
    CONFIG_LIMIT,
    FACTS_LIMIT,
    config_value,
    cut_losses,
    cut_to_limit,
    select_parameters_as_files,
)
from mfwb.redaction import Masked, Masker
from mfwb.snapshot import Card, FlowRun, Loss, Task
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["choose_group", "draft_plan"]


def draft_plan(  # noqa: PLR0913 - each is a fact of its own
    flow_run: FlowRun,
    lineage: Lineage,
    settings: Settings,
    *,
    entity: str | None,
    project: str,
    others: Iterable[OtherFlowRun] = (),
    consoles: Consoles | None = None,
) -> Plan:
    """Return the plan of what to write to W&B for one flow run.

    Args:
        flow_run: a flow run that is finished or failed.
        lineage: the lineage of the same flow run.
        settings: the settings of this call.
        entity: the resolved entity to write to; None: the default entity of the user who uploads.
        project: the resolved project to write to.
        others: the other flow runs whose artifacts this one used.
        consoles: addresses of consoles in Metaflow's configuration; None: it has none.
    """
    scopes = build_run_scopes(flow_run, settings)
    logged_by = trace_logged_by(scopes, flow_run, lineage)
    outputs = select_outputs(scopes, flow_run, lineage, logged_by)
    outputs = _add_code(outputs, scopes, flow_run, settings)
    external_inputs = ExternalInputs(lineage, others, settings)
    dead_ends = find_dead_ends(flow_run, lineage)
    inputs = select_inputs(scopes, lineage, outputs, external_inputs, logged_by)
    masker = settings.redact.make_masker()
    shared = _Shared.of(flow_run, consoles or Consoles())
    runs = [
        replace(
            _planned_run(
                scope, shared, lineage, outputs[scope.id], inputs[scope.id], dead_ends=dead_ends
            ),
            unpickle=settings.unpickle,
            redaction=settings.redact.digest,
            masked=tuple(_masked_by_name(scope, outputs[scope.id], masker)),
        )
        for scope in scopes
    ]
    final = find_final(flow_run, scopes, outputs, logged_by)
    runs = list(
        add_series(
            list(add_artifact_rules(add_aliases(runs, flow_run, final), flow_run, settings)),
            scopes,
            flow_run,
            names.run_alias(flow_run.id),
        )
    )
    group = choose_group(flow_run.flow, flow_run.pathspec, settings)
    if runs and settings.overview_of(flow_run.flow):
        overview = plan_overview(
            flow_run,
            lineage,
            settings,
            group=group,
            parameters=shared.parameters,
            facts=shared.facts,
            scopes=scopes,
            runs=runs,
        )
        runs.append(replace(overview, redaction=settings.redact.digest))
    return Plan(
        flow_run=flow_run.pathspec,
        source=FlowRunId(flow_run.pathspec, flow_run.provider, flow_run.started_at),
        entity=entity,
        project=project,
        group=group,
        runs=tuple(runs),
        losses=flow_run.losses,
        masked=flow_run.masked,
    )


def _masked_by_name(scope: RunScope, outputs: Outputs, masker: Masker) -> Iterator[Masked]:
    """Yield the texts among the values of a W&B run whose names are those of secrets."""
    types = {
        f"{task.pathspec}/{ref.name}": ref.type for task in scope.tasks for ref in task.artifacts
    }
    for value in outputs.values:
        for content in value.contents:
            if types.get(content.pathspec) == "str" and masker.is_secret_name(content.name):
                yield Masked(content.pathspec)


def _add_code(
    outputs: dict[WandbRunId, Outputs],
    scopes: Sequence[RunScope],
    flow_run: FlowRun,
    settings: Settings,
) -> dict[WandbRunId, Outputs]:
    """Return the outputs; the first W&B run logs the code as well, unless it is switched off."""
    first = next((scope.id for scope in scopes), None)
    others = chain.from_iterable(own.artifacts for own in outputs.values())
    code = plan_code(flow_run, others) if settings.code_of(flow_run.flow) else None
    if code is None or first is None:
        return outputs
    own = outputs[first]
    return {**outputs, first: replace(own, artifacts=(*own.artifacts, code))}


def choose_group(flow: str, pathspec: str, settings: Settings) -> str:
    """Return the group of the W&B runs of a flow run; a step with its own group keeps that."""
    group = settings.wandb_of(flow).get("run_group") or pathspec
    return names.shortened(str(group), names.RUN_NAME_LIMIT)


@dataclass(frozen=True, slots=True)
class _Shared:
    """The content that all W&B runs of a flow run share.

    To compute it, every task is read, so it is computed once.

    Attributes:
        flow_run: the flow run.
        parameters: the values of the parameters, by their keys in config.
        facts: the facts of the flow run, for `config["metaflow"]`.
        consoles: addresses of consoles, for links.
    """

    flow_run: FlowRun
    parameters: dict[str, Any]
    facts: dict[str, Any]
    consoles: Consoles

    @classmethod
    def of(cls, flow_run: FlowRun, consoles: Consoles) -> _Shared:
        """Return the shared content of a flow run."""
        as_files = select_parameters_as_files(flow_run)
        parameters = {
            names.config_key(parameter.name): config_value(parameter, as_files)
            for parameter in flow_run.parameters
            if parameter.kind != "constant"
        }
        return cls(flow_run, parameters, describe_flow_run(flow_run, as_files), consoles)


def _planned_run(  # noqa: PLR0913 - each is a fact of its own
    scope: RunScope,
    shared: _Shared,
    lineage: Lineage,
    outputs: Outputs,
    inputs: Inputs,
    *,
    dead_ends: frozenset[str],
) -> PlannedRun:
    flow_run = shared.flow_run
    wandb_settings = dict(scope.settings.wandb)
    group = str(wandb_settings.pop("run_group", None) or flow_run.pathspec)
    job_type = str(wandb_settings.pop("run_job_type", None) or scope.step.name)
    tags = (*flow_run.tags, *(wandb_settings.pop("run_tags", None) or ()))
    own_notes = wandb_settings.pop("run_notes", None)
    for field_name in ("entity", "project"):  # the plan has them
        wandb_settings.pop(field_name, None)
    links = build_links(shared.consoles, scope.tasks, merged=scope.merged)
    stopped = any(task.pathspec in dead_ends for task in scope.tasks)
    failed = stopped or any(task.state in BAD_STATES for task in scope.tasks)
    started, finished = span_of(scope.tasks)
    runtime = seconds_between(started, finished)
    held_names = {ref.name for task in scope.tasks for ref in task.artifacts}
    unchanged = held_names.difference(*(lineage.writes[task.pathspec] for task in scope.tasks))
    equal = (lineage.equal_values(task.pathspec).names for task in scope.tasks)
    facts, cut_in_config = cut_to_limit(
        {
            **shared.facts,
            **describe_tasks(scope.step, scope.tasks),
            **describe_links(links),
            "pathspec": scope.name,
        },
        CONFIG_LIMIT,
    )
    outcome, cut_in_summary = cut_to_limit(
        {
            **describe_outcome(scope.tasks, runtime),
            **({"stopped": describe_dead_ends(flow_run)} if stopped else {}),
        },
        FACTS_LIMIT,
    )
    cuts = [
        *cut_losses(cut_in_config, "config.metaflow", scope.name),
        *cut_losses(cut_in_summary, "summary.metaflow", scope.name),
        *_list_cut_exceptions(scope),
    ]
    return PlannedRun(
        id=scope.id,
        name=scope.name,
        group=names.shortened(group, names.RUN_NAME_LIMIT),
        job_type=names.shortened(job_type, names.JOB_TYPE_LIMIT),
        level=inputs.level,
        merged=scope.merged,
        tasks=tuple(_rows(scope.tasks)),
        tags=tuple(sorted({names.shortened(tag, names.TAG_LIMIT) for tag in tags} - {""})),
        config={
            **shared.parameters,
            "metaflow": facts,
            **_foreach_config(scope),
        },
        summary={"metaflow": outcome},
        values=outputs.values,
        curves=outputs.curves,
        shown=outputs.shown,
        no_curves=outputs.curve_rules.excluded,
        named_curves=outputs.curve_rules.named,
        iterated=outputs.curve_rules.iterated,
        inputs=inputs.artifacts,
        outputs=outputs.artifacts,
        cards=tuple(_cards(scope)),
        exit_code=1 if failed else 0,
        origin=describe_origin(scope.tasks[0]),
        started_at=started,
        runtime=runtime,
        passed_on=tuple(sorted(unchanged.difference(*equal))),
        unchanged=tuple(sorted(unchanged)),
        by_code=outputs.by_code,
        switched_off=outputs.switched_off,
        losses=(*outputs.losses, *inputs.losses, *cuts),
        wandb_settings=wandb_settings,
        externals=tuple(_externals(lineage, scope)),
        checkpoints=outputs.checkpoints,
        notes=build_notes(scope.pathspec, flow_run.provider, scope.step.doc, links, own_notes),
        **_select_file_rules(scope, outputs),
    )


def _foreach_config(scope: RunScope) -> dict[str, Any]:
    """Return the config of a W&B run of one task about the foreachs that the task runs in."""
    facts = {} if scope.merged else describe_foreach(scope.tasks[0])
    return {FOREACH: facts} if facts else {}


def _select_file_rules(scope: RunScope, outputs: Outputs) -> dict[str, Any]:
    """Return which files of this machine may be sent, and their size limit.

    The result is empty if no output reads files of this machine.
    """
    forms = {file.form for artifact in outputs.artifacts for file in artifact.files}
    if not forms & {Form.PATH, Form.INCLUDE}:
        return {}
    return {
        "path_roots": scope.settings.path_roots,
        "file_limit": scope.settings.max_artifact_size.dataset,
    }


def _externals(lineage: Lineage, scope: RunScope) -> Iterable[dict[str, str]]:
    for read in lineage.external_reads_of(scope.tasks):
        facts = {"kind": read.kind, "pathspec": read.pathspec, "artifact": read.artifact or ""}
        yield {name: value for name, value in facts.items() if value}


def _cards(scope: RunScope) -> Iterable[PlannedCard]:
    """Yield the cards of all tasks.

    A key depends only on the card itself, not on other cards or the order of rendering. So the same
    card has the same key in every flow run.
    """
    used_keys: set[str] = set()
    for task in scope.tasks:
        label = task_label(task).split("/") if scope.merged else []
        for card in sorted(task.cards, key=_card_order):
            label_parts = (
                [card.id or card.type] if card.id or card.type != _DEFAULT_CARD_TYPE else []
            )
            key = names.card_key("card", *label, *label_parts)
            copies = (
                names.card_key("card", *label, f"{card.id or card.type}-{n}") for n in count(2)
            )
            key = next(
                candidate for candidate in chain((key,), copies) if candidate not in used_keys
            )
            used_keys.add(key)
            yield PlannedCard(key, task.pathspec, card)


def _list_cut_exceptions(scope: RunScope) -> Iterable[Loss]:
    for task in scope.tasks:
        failures = [task.failure, *(attempt.failure for attempt in task.attempts)]
        if any(attempt is not None and not attempt.is_whole for attempt in failures):
            yield Loss(f"an exception of {task.pathspec}", "too long to be read as a whole")


_DEFAULT_CARD_TYPE = "default"
"""The type of the card that `@card` makes by default."""


def _card_order(card: Card) -> tuple[bool, str, str]:
    """Return the sort key of a card.

    Cards are sorted by id; cards without an id follow, by type. Cards of one type stay in the order
    in which they were recorded.
    """
    return card.id is None, card.id or "", card.type


def _rows(tasks: Sequence[Task]) -> Iterator[TaskRow]:
    """Yield a row for each task, at its foreach index if every task has its own index."""
    by_index = all(len(task.foreach) == 1 and not task.rounds for task in tasks)
    for position, task in enumerate(tasks):
        yield _row(task, task.index if by_index else position)


def _row(task: Task, row: int) -> TaskRow:
    return TaskRow(
        pathspec=task.pathspec,
        row=row,
        label=task_label(task),
        state=task.state.value,
        seconds=seconds_between(task.started_at, task.finished_at),
        failure=None if task.failure is None else describe_failure(task.failure),
        foreach=list_foreach_columns(task),
    )
