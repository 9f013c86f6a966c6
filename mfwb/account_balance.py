"""Balance: how each item of a flow run ended, checked against the facts of the flow run. Pure.

The endings come from the plan and from what was written. The numbers that they have to add up to
come from the facts alone (`mfwb.snapshot.inventory`). An item that is missing between the two is a
loss itself, so that it is never missing in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mfwb.account import Account, Ending, Kind, add_accounts, move, number_of, subtract, to_account
from mfwb.outcome import FlowRunOutcome, OutputOutcome, WandbRunOutcome
from mfwb.planning import Content, OutputArtifact, Plan, PlannedRun
from mfwb.planning.code_artifact import CODE_TYPE
from mfwb.planning.names import names_in_project
from mfwb.planning.size_limits import cut_item, select_parameters_as_files
from mfwb.safe_text import one_line
from mfwb.snapshot import FlowRun, Loss, Task
from mfwb.snapshot.inventory import check_artifacts, count_facts, has_log, is_unread_card
from mfwb.snapshot.masking import attempt_item, parameter_item, system_tags_item, tags_item
from mfwb.snapshot.pathspec import parameters_of

__all__ = [
    "count_arrived",
    "count_gone",
    "count_refused",
    "with_account",
    "with_pushed_account",
]

_NO_TASK = "the flow run has no task, so it has no W&B run"
_NOT_ACCOUNTED = (
    "not accounted for: mfwb has neither written it nor reported it as lost, which is an error of "
    "mfwb's own"
)


def with_account(outcome: FlowRunOutcome, flow_run: FlowRun, plan: Plan) -> FlowRunOutcome:
    """Return an outcome with its account and those of its W&B runs, and with what these lack.

    Args:
        outcome: the outcome of carrying out the plan, with a W&B run for each planned one.
        flow_run: the facts that the account has to add up to.
        plan: the plan of the flow run.
    """
    tasks = {task.pathspec: task for task in flow_run.tasks}
    ended = {run.name: run for run in outcome.wandb_runs}
    balances = [
        _balance_of_run(run, flow_run, [tasks[row.pathspec] for row in run.tasks], ended[run.name])
        for run in plan.runs
        if run.name in ended
    ]
    accounts = {balance.run: balance.account for balance in balances}
    account = add_accounts([*accounts.values(), _shared_items(flow_run, plan, balances)])
    check = check_artifacts(
        flow_run, (pathspec for balance in balances for pathspec, _ in balance.artifacts)
    )
    losses = [] if plan.runs else [Loss(flow_run.pathspec, _NO_TASK)]
    losses += [Loss(item, _NOT_ACCOUNTED) for item in check.missing if plan.runs]
    losses += [
        Loss(item, "mfwb accounts for it twice, or it is no artifact of the flow run")
        for item in check.surplus
    ]
    account = _add_lost(account, Kind.ARTIFACTS, len(check.missing))
    for kind, number in _differences(flow_run, account):
        if number > 0:
            account = _add_lost(account, kind, number)
        losses.append(_unbalanced(kind, number, flow_run))
    return replace(
        outcome,
        wandb_runs=tuple(
            replace(run, account=accounts.get(run.name)) for run in outcome.wandb_runs
        ),
        account=account,
        artifacts_passed_on=check.passed_on,
        losses=tuple(dict.fromkeys((*outcome.losses, *losses))),
    )


@dataclass(frozen=True, slots=True)
class _Balance:
    """The items of one W&B run, and their endings.

    Attributes:
        run: its name.
        deleted: whether somebody deleted it, so that all its items are switched off.
        lost: the items of its losses.
        artifacts: pathspecs of artifacts, and how each ended.
        others: all other items.
    """

    run: str
    deleted: bool
    lost: frozenset[str]
    artifacts: tuple[tuple[str, Ending], ...]
    others: tuple[tuple[Kind, Ending], ...]

    @property
    def account(self) -> Account:
        """The numbers."""
        artifacts = [(Kind.ARTIFACTS, ending) for _, ending in self.artifacts]
        return to_account([*artifacts, *self.others])


def _balance_of_run(
    run: PlannedRun, flow_run: FlowRun, tasks: Sequence[Task], ended: WandbRunOutcome
) -> _Balance:
    lost = frozenset(loss.item for loss in ended.losses)
    if run.overview is not None:  # its content is a second view of items of other W&B runs
        return _Balance(run.name, ended.deleted, lost, (), ())
    masked = frozenset(entry.item for entry in (*flow_run.masked, *ended.masked))
    artifacts = list(_artifact_endings(run, _artifacts_of(flow_run, tasks), lost, ended.outputs))
    artifacts = [(pathspec, _masked_if(pathspec in masked, end)) for pathspec, end in artifacts]
    others = [
        *_other_endings(run, tasks, lost, masked),
        *_code_endings(run, lost, ended.outputs, masked),
    ]
    if ended.deleted:
        artifacts = [(pathspec, Ending.SWITCHED_OFF) for pathspec, _ in artifacts]
        others = [(kind, Ending.SWITCHED_OFF) for kind, _ in others]
    return _Balance(run.name, ended.deleted, lost, tuple(artifacts), tuple(others))


# --- the items of a W&B run -------------------------------------------------------------------


def _artifact_endings(
    run: PlannedRun,
    candidates: Iterable[str],
    lost: Collection[str],
    outputs: Iterable[OutputOutcome],
) -> Iterator[tuple[str, Ending]]:
    """Yield each artifact that a W&B run's tasks wrote, and how it ended.

    Args:
        run: the planned W&B run.
        candidates: the pathspecs of artifacts that its planned losses may name.
        lost: the items of all its losses.
        outputs: the artifacts that it logged.
    """
    for value in run.values:
        for content in value.contents:
            yield content.pathspec, Ending.LOST if _is_in(content, lost) else Ending.WRITTEN
    for artifact, output in _with_outputs(run, outputs):
        if not artifact.is_code:
            yield from _file_endings(artifact, lost, output)
    for content in run.switched_off:
        yield content.pathspec, Ending.SWITCHED_OFF
    if run.losses:
        planned_losses = {loss.item for loss in run.losses}
        for pathspec in candidates:
            if one_line(pathspec) in planned_losses:
                yield pathspec, Ending.LOST


def _code_endings(
    run: PlannedRun,
    lost: Collection[str],
    outputs: Iterable[OutputOutcome],
    masked: Collection[str],
) -> Iterator[tuple[Kind, Ending]]:
    """Yield each code package that a W&B run logs, and how it ended."""
    for artifact, output in _with_outputs(run, outputs):
        if artifact.is_code:
            for pathspec, ending in _file_endings(artifact, lost, output):
                yield Kind.CODE_PACKAGES, _masked_if(pathspec in masked, ending)


def _with_outputs(
    run: PlannedRun, outputs: Iterable[OutputOutcome]
) -> Iterator[tuple[OutputArtifact, OutputOutcome | None]]:
    """Yield each planned artifact with the one that was logged; None if it was not logged."""
    logged = {(output.name, output.type): output for output in outputs}
    for artifact in run.outputs:
        names = names_in_project(artifact.name, artifact.type)
        existing = (logged.get((name, artifact.type)) for name in names)
        yield artifact, next(filter(None, existing), None)


def _artifacts_of(flow_run: FlowRun, tasks: Iterable[Task]) -> Iterator[str]:
    """Yield the pathspecs of the artifacts of some tasks, and of the parameters."""
    for task in tasks:
        yield from (f"{task.pathspec}/{ref.name}" for ref in task.artifacts)
    owner = parameters_of(flow_run.pathspec)
    yield from (f"{owner}/{parameter.name}" for parameter in flow_run.parameters)


def _file_endings(
    artifact: OutputArtifact, lost: Collection[str], output: OutputOutcome | None
) -> Iterator[tuple[str, Ending]]:
    links = output.referenced if output else 0
    for file in artifact.written_files:  # the others are items of the tasks that wrote them
        content = file.content
        if output is None or _is_in(content, lost):
            yield content.pathspec, Ending.LOST
        elif links:  # what matters most of a link is that W&B does not have the bytes
            links -= 1
            yield content.pathspec, Ending.REFERENCED
        else:
            is_known = output.deduplicated
            yield content.pathspec, Ending.DEDUPLICATED if is_known else Ending.WRITTEN


def _is_in(content: Content, lost: Collection[str]) -> bool:
    return bool(lost) and one_line(content.pathspec) in lost  # as `Loss` has it


def _other_endings(
    run: PlannedRun, tasks: Sequence[Task], lost: Collection[str], masked: Collection[str]
) -> Iterator[tuple[Kind, Ending]]:
    """Yield tasks, attempts, logs and cards of a W&B run."""
    no_earlier = cut_item("earlier_attempts", "config.metaflow", run.name) in lost
    for row, task in zip(run.tasks, tasks, strict=True):
        yield Kind.TASKS, Ending.WRITTEN
        for attempt in task.attempts:
            is_last = attempt is task.attempts[-1]
            is_cut = attempt.failure is not None and not attempt.failure.is_whole
            ending = _lost_if(is_cut or (no_earlier and not is_last))
            yield Kind.ATTEMPTS, _masked_if(attempt_item(task, attempt) in masked, ending)
        if has_log(task):
            ending = _lost_if(one_line(row.log_item) in lost)
            yield Kind.LOGS, _masked_if(row.log_item in masked, ending)
    for card in run.cards:
        ending = _lost_if(one_line(card.item) in lost)
        yield Kind.CARDS, _masked_if(card.item in masked, ending)


def _lost_if(is_lost: bool) -> Ending:  # noqa: FBT001 - it says so itself
    return Ending.LOST if is_lost else Ending.WRITTEN


def _masked_if(is_masked: bool, ending: Ending) -> Ending:  # noqa: FBT001 - it says so itself
    """Return the ending of an item; what is masked and lost is lost."""
    is_written = ending in {Ending.WRITTEN, Ending.DEDUPLICATED}
    return Ending.MASKED if is_masked and is_written else ending


# --- the items of the flow run as a whole -----------------------------------------------------


def _shared_items(flow_run: FlowRun, plan: Plan, balances: Sequence[_Balance]) -> Account:
    """Return the account of tags and parameters, which each W&B run of a flow run has."""
    if not plan.runs:
        ending = Ending.LOST
    elif balances and all(balance.deleted for balance in balances):
        ending = Ending.SWITCHED_OFF
    else:
        ending = Ending.WRITTEN
    lost = {item for balance in balances for item in balance.lost}
    cut = {
        key: any(cut_item(key, "config.metaflow", run.name) in lost for run in plan.runs)
        for key in ("system_tags", "constants")
    }
    as_files = select_parameters_as_files(flow_run)
    artifacts = dict(pair for balance in balances for pair in balance.artifacts)
    owner = parameters_of(flow_run.pathspec)
    marks = Counter({entry.item: entry.marks for entry in flow_run.masked})
    items: list[tuple[Kind, Ending]] = []
    for parameter in flow_run.parameters:
        own = ending
        if parameter.kind == "constant" and cut["constants"]:
            own = Ending.LOST
        if parameter.name in as_files:  # config only names the artifact that has the value
            own = artifacts.get(f"{owner}/{parameter.name}", own)
        own = _masked_if(marks[parameter_item(flow_run, parameter.name)] > 0, own)
        items.append((Kind.PARAMETERS, own))
    of_system = Ending.LOST if cut["system_tags"] else ending
    for tags, own, item in (
        (flow_run.tags, ending, tags_item(flow_run)),
        (flow_run.system_tags, of_system, system_tags_item(flow_run)),
    ):
        items += [(Kind.TAGS, _masked_if(True, own))] * marks[item]  # noqa: FBT003
        items += [(Kind.TAGS, own)] * (len(tags) - marks[item])
    items += [(Kind.CARDS, Ending.LOST)] * sum(map(is_unread_card, flow_run.losses))
    if not any(artifact.type == CODE_TYPE for run in plan.runs for artifact in run.outputs):
        items += [(Kind.CODE_PACKAGES, Ending.SWITCHED_OFF)] * len(flow_run.code_packages)
    return to_account(items)


def _differences(flow_run: FlowRun, account: Account) -> Iterator[tuple[Kind, int]]:
    """Yield the kinds whose items do not add up, and how many items are missing."""
    expected = count_facts(flow_run)
    for kind, number in expected.items():
        if number != number_of(account, kind):
            yield kind, number - number_of(account, kind)


def _add_lost(account: Account, kind: Kind, number: int) -> Account:
    return add_accounts([account, {kind: {Ending.LOST: number}}])


def _unbalanced(kind: Kind, number: int, flow_run: FlowRun) -> Loss:
    item = f"{abs(number):,} {kind.value} of {flow_run.pathspec}"
    if number > 0:
        return Loss(item, _NOT_ACCOUNTED)
    return Loss(item, "mfwb accounts for more than the flow run has, which is an error of its own")


# --- push -------------------------------------------------------------------------------------


def count_arrived(bundled: WandbRunOutcome, outputs: Sequence[OutputOutcome]) -> Account | None:
    """Return the account of a pushed W&B run, whose artifacts W&B may have had already.

    Args:
        bundled: the W&B run as it was written into the bundle.
        outputs: the artifacts that it logged.
    """
    if bundled.account is None:
        return None
    links = bundled.account.get(Kind.ARTIFACTS, {}).get(Ending.REFERENCED, 0)
    copies = bundled.items.written + bundled.items.deduplicated - links
    same = sum(output.items - output.referenced for output in outputs if output.deduplicated)
    is_new = move(
        bundled.account, Kind.ARTIFACTS, copies, to=Ending.WRITTEN, origins=(Ending.DEDUPLICATED,)
    )
    counted = move(
        is_new,
        Kind.ARTIFACTS,
        min(same, copies),
        to=Ending.DEDUPLICATED,
        origins=(Ending.WRITTEN,),
    )
    return _count_code(counted, outputs)


def _count_code(account: Account, outputs: Iterable[OutputOutcome]) -> Account:
    """Return the account of a pushed W&B run, whose code W&B may have had already."""
    code = next((output for output in outputs if output.type == CODE_TYPE), None)
    if code is None:
        return account
    ways = (Ending.WRITTEN, Ending.DEDUPLICATED)
    origin, to = ways if code.deduplicated else reversed(ways)
    number = account.get(Kind.CODE_PACKAGES, {}).get(origin, 0)
    return move(account, Kind.CODE_PACKAGES, number, to=to, origins=(origin,))


def count_refused(account: Account | None, refused: Iterable[OutputOutcome]) -> Account | None:
    """Return the account of a pushed W&B run of which W&B refused some artifacts."""
    if account is None:
        return None
    origins = (Ending.WRITTEN, Ending.DEDUPLICATED, Ending.REFERENCED)
    outputs = list(refused)
    number = sum(output.items for output in outputs)
    counted = move(account, Kind.ARTIFACTS, number, to=Ending.LOST, origins=origins)
    packages = number_of(counted, Kind.CODE_PACKAGES) if any(map(_is_code, outputs)) else 0
    return move(counted, Kind.CODE_PACKAGES, packages, to=Ending.LOST, origins=origins)


def _is_code(output: OutputOutcome) -> bool:
    return output.type == CODE_TYPE


def count_gone(account: Account | None) -> Account | None:
    """Return the account of a W&B run that somebody deleted: all of its items are switched off."""
    if account is None:
        return None
    return {kind: {Ending.SWITCHED_OFF: number_of(account, kind)} for kind in account}


def with_pushed_account(outcome: FlowRunOutcome, bundled: FlowRunOutcome) -> FlowRunOutcome:
    """Return the outcome of a push with its account.

    Args:
        outcome: of the push, with the accounts of its W&B runs.
        bundled: of the sync into the bundle, which had the facts of the flow run.
    """
    runs = outcome.wandb_runs
    if bundled.account is None or len(runs) != len(bundled.wandb_runs):
        return replace(outcome, account=None)
    before = add_accounts(run.account or {} for run in bundled.wandb_runs)
    shared = subtract(bundled.account, before)
    if runs and all(run.deleted for run in runs):
        shared = count_gone(shared) or {}
    return replace(outcome, account=add_accounts([shared, *(run.account or {} for run in runs)]))
