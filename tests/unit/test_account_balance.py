"""The account adds up to the facts of the flow run, whatever happens to its items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.account import Account, Ending, Kind, number_of
from mfwb.account_balance import (
    count_arrived,
    count_gone,
    count_refused,
    with_account,
    with_pushed_account,
)
from mfwb.item_counts import as_planned
from mfwb.outcome import FlowRunOutcome, OutputOutcome, Status
from mfwb.planning import Plan
from mfwb.snapshot import Card, CodePackage, Failure, FlowRun, Loss
from mfwb.snapshot.inventory import unread_card
from tests.support.examples import examples
from tests.support.flow_runs import (
    at,
    data_frame,
    flow_run,
    model,
    parameter,
    ref,
    spec,
    task,
    tried,
)
from tests.unit.planning.plans import plan_of
from tests.unit.random_flows import Block, act_out, flows

CARD = Card("default", None, "u")
WORK = [
    task(
        f"work/{location + 2}",
        to="join",
        has=[
            ref("items", "i"),
            model("model", f"m{location}"),
            data_frame("frame", f"d{location}"),
            ref("v", f"v{location}"),
        ],
        foreach=at(f"work:items:{location}"),
        attempts=(tried(ok=False, failure=Failure("E", "no")), tried(number=1)),
        cards=(CARD,),
    )
    for location in (0, 1)
]
RUN = flow_run(
    task("start/1", to="work", over="items", has=[ref("items", "i")], attempts=(tried(),)),
    *WORK,
    task("join/4", has=[ref("v", "v0"), model("best", "m0")], attempts=(tried(),)),
    tags=("one", "two"),
    system_tags=("user:ada",),
    parameters=(
        parameter("rate", 0.5),
        parameter(
            "words",
            {"name": "words", "size": 3, "sha1": None},
            "IncludeFile",
            type_="metaflow.includefile.IncludedFile",
            size=300,
        ),
        parameter("N", 3, "constant"),
    ),
)


def outcome_of(
    run: FlowRun, plan: Plan, *, losses: Sequence[Loss] = (), **facts: Any
) -> FlowRunOutcome:
    """Return the outcome of a flow run with these losses in each W&B run, with its account."""
    runs = tuple(
        replace(item, losses=(*item.losses, *losses), **facts)
        for item in map(as_planned, plan.runs)
    )
    outcome = FlowRunOutcome(run.pathspec, Status.SYNCED, wandb_runs=runs, losses=plan.losses)
    return with_account(outcome, run, plan)


def account_of(run: FlowRun, losses: Sequence[Loss] = (), **chosen: Any) -> Account:
    """Return the account of a flow run that adds up, with the given settings."""
    outcome = outcome_of(run, plan_of(run, **chosen), losses=losses)

    assert outcome.losses == run.losses
    assert outcome.account is not None
    return outcome.account


WRITTEN = {
    Kind.TASKS: {Ending.WRITTEN: 4},
    Kind.ATTEMPTS: {Ending.WRITTEN: 6},
    Kind.ARTIFACTS: {Ending.WRITTEN: 10},
    Kind.PARAMETERS: {Ending.WRITTEN: 3},
    Kind.TAGS: {Ending.WRITTEN: 3},
    Kind.LOGS: {Ending.WRITTEN: 4},
    Kind.CARDS: {Ending.WRITTEN: 2},
}


@pytest.mark.parametrize("granularity", ["step", "task"])
def test_all_written(granularity: str) -> None:
    """Each item is counted once, however many W&B runs have it."""
    assert account_of(RUN, granularity=granularity) == WRITTEN


def test_wandb_runs_have_accounts_of_their_own() -> None:
    """What all W&B runs have, as tags, is in the account of the flow run alone."""
    outcome = outcome_of(RUN, plan_of(RUN))
    start, work, join = (run.account or {} for run in outcome.wandb_runs)

    assert work == {
        Kind.TASKS: {Ending.WRITTEN: 2},
        Kind.ATTEMPTS: {Ending.WRITTEN: 4},
        Kind.ARTIFACTS: {Ending.WRITTEN: 6},
        Kind.LOGS: {Ending.WRITTEN: 2},
        Kind.CARDS: {Ending.WRITTEN: 2},
    }
    assert start[Kind.ARTIFACTS] == {Ending.WRITTEN: 2}  # with the included file
    assert join[Kind.ARTIFACTS] == {Ending.WRITTEN: 2}
    assert outcome.artifacts_passed_on == 2  # the items, by the tasks that work on them


def test_switched_off() -> None:
    """What a setting excludes is no loss."""
    result = account_of(RUN, models=False, datasets=False)

    assert result[Kind.ARTIFACTS] == {Ending.WRITTEN: 4, Ending.SWITCHED_OFF: 6}


def test_too_large() -> None:
    """An artifact beyond the limit is lost already in the plan."""
    result = account_of(RUN, max_artifact_size=999)

    assert result[Kind.ARTIFACTS] == {Ending.WRITTEN: 5, Ending.LOST: 5}


@pytest.mark.parametrize(
    ("item", "kind", "number"),
    [
        (spec("work/2/model"), Kind.ARTIFACTS, 1),
        (spec("work/2/v"), Kind.ARTIFACTS, 1),
        (spec("work/2/log"), Kind.LOGS, 1),
        (spec("work/2/card/0"), Kind.CARDS, 1),
        ("config.metaflow.earlier_attempts of DemoFlow/7/work", Kind.ATTEMPTS, 2),
        ("config.metaflow.system_tags of DemoFlow/7/work", Kind.TAGS, 1),
        ("config.metaflow.constants of DemoFlow/7/start", Kind.PARAMETERS, 1),
    ],
)
def test_lost_on_the_way(item: str, kind: Kind, number: int) -> None:
    """A loss is counted at the item that it names, and nowhere else."""
    result = account_of(RUN, [Loss(item, "gone")])
    total = sum(WRITTEN[kind].values())

    assert result == {**WRITTEN, kind: {Ending.WRITTEN: total - number, Ending.LOST: number}}


def test_other_losses() -> None:
    """An edge that is lost is no item."""
    assert account_of(RUN, [Loss("use of x by y", "gone")]) == WRITTEN


def test_exception_that_was_cut() -> None:
    """An attempt whose exception could not be read as a whole is lost."""
    cut = Failure("E", "a long text", is_whole=False)
    run = flow_run(task("start/1", attempts=(tried(ok=False, failure=cut), tried(number=1))))

    assert account_of(run)[Kind.ATTEMPTS] == {Ending.WRITTEN: 1, Ending.LOST: 1}


def test_card_that_was_not_read() -> None:
    """A card whose record is damaged is a lost card."""
    run = replace(RUN, losses=(Loss(unread_card(spec("join/4")), "odd"),))

    assert account_of(run)[Kind.CARDS] == {Ending.WRITTEN: 2, Ending.LOST: 1}


def test_what_wandb_has_already_and_what_is_a_link() -> None:
    """A link is told apart from a copy, also if W&B knows it: W&B does not have its bytes."""
    plan = plan_of(RUN)
    outcome = outcome_of(RUN, plan)
    runs = [
        replace(
            run,
            outputs=tuple(
                replace(output, deduplicated=True, referenced=1 if output.name == "model" else 0)
                for output in run.outputs
            ),
        )
        for run in outcome.wandb_runs
    ]
    result = with_account(replace(outcome, wandb_runs=tuple(runs)), RUN, plan)

    assert (result.account or {})[Kind.ARTIFACTS] == {
        Ending.WRITTEN: 4,
        Ending.DEDUPLICATED: 5,
        Ending.REFERENCED: 1,
    }


def test_refused_by_wandb() -> None:
    """The files of an artifact that was not logged are lost."""
    result = outcome_of(RUN, plan_of(RUN), outputs=()).account or {}

    assert result[Kind.ARTIFACTS] == {Ending.WRITTEN: 4, Ending.LOST: 6}


def test_deleted() -> None:
    """All items are switched off if somebody deleted all W&B runs."""
    result = outcome_of(RUN, plan_of(RUN), outputs=(), deleted=True).account or {}

    assert result == {kind: {Ending.SWITCHED_OFF: number_of(WRITTEN, kind)} for kind in WRITTEN}


PACKAGE = CodePackage(spec("start/1"), "a" * 40, "local")
PACKAGED = replace(RUN, code_packages=(PACKAGE,))


def test_code_packages() -> None:
    """A package is written, known to W&B, lost or switched off, and no artifact of Metaflow's."""
    known = replace(
        as_planned(plan_of(PACKAGED).runs[0]).outputs[-1], digest="d", deduplicated=True
    )
    again = outcome_of(PACKAGED, plan_of(PACKAGED), outputs=(known,)).account or {}

    assert account_of(PACKAGED) == {**WRITTEN, Kind.CODE_PACKAGES: {Ending.WRITTEN: 1}}
    assert again[Kind.CODE_PACKAGES] == {Ending.DEDUPLICATED: 1}
    lost = account_of(PACKAGED, [Loss(PACKAGE.pathspec, "gone")])
    assert lost == {**WRITTEN, Kind.CODE_PACKAGES: {Ending.LOST: 1}}
    off = account_of(PACKAGED, code=False)
    assert off == {**WRITTEN, Kind.CODE_PACKAGES: {Ending.SWITCHED_OFF: 1}}
    deleted = outcome_of(PACKAGED, plan_of(PACKAGED), outputs=(), deleted=True).account or {}
    assert deleted[Kind.CODE_PACKAGES] == {Ending.SWITCHED_OFF: 1}


def test_code_packages_that_were_pushed() -> None:
    """A push says whether W&B had the code before; a refusal is a loss."""
    bundled = outcome_of(PACKAGED, plan_of(PACKAGED)).wandb_runs[0]
    [code] = [output for output in bundled.outputs if output.type == "code"]
    written = count_arrived(bundled, [code]) or {}
    same = count_arrived(bundled, [replace(code, deduplicated=True)]) or {}
    refused = count_refused(written, [code]) or {}

    assert written[Kind.CODE_PACKAGES] == {Ending.WRITTEN: 1}
    assert same[Kind.CODE_PACKAGES] == {Ending.DEDUPLICATED: 1}
    assert refused[Kind.CODE_PACKAGES] == {Ending.LOST: 1}
    assert written[Kind.ARTIFACTS] == same[Kind.ARTIFACTS] == refused[Kind.ARTIFACTS]


def test_no_task() -> None:
    """A flow run that ended before its first task has no W&B run, and says so."""
    run = flow_run(tags=("one",), parameters=(parameter("words", None, "IncludeFile"),))
    outcome = outcome_of(run, plan_of(run))

    assert outcome.account == {
        Kind.ARTIFACTS: {Ending.LOST: 1},
        Kind.PARAMETERS: {Ending.LOST: 1},
        Kind.TAGS: {Ending.LOST: 1},
    }
    assert [loss.item for loss in outcome.losses] == ["DemoFlow/7"]


def test_parameter_that_is_a_file() -> None:
    """A value that config has no room for ends as its artifact does."""
    run = replace(RUN, parameters=(parameter("big", "x" * 6_000_000),))
    kept, lost = account_of(run), account_of(run, [Loss(spec("_parameters/big"), "gone")])

    assert kept[Kind.PARAMETERS] == {Ending.WRITTEN: 1}
    assert lost[Kind.PARAMETERS] == {Ending.LOST: 1}
    assert number_of(kept, Kind.ARTIFACTS) == 10


# --- what should never happen -----------------------------------------------------------------


def test_what_a_plan_forgets_is_lost() -> None:
    """An artifact or a card that a plan lacks is a loss, and not missing in silence."""
    plan = plan_of(RUN)
    start, work, join = plan.runs
    forgetful = replace(work, cards=work.cards[:1], outputs=work.outputs[:1])
    outcome = outcome_of(RUN, replace(plan, runs=(start, forgetful, join)))
    account = outcome.account or {}

    assert account[Kind.ARTIFACTS] == {Ending.WRITTEN: 8, Ending.LOST: 2}
    assert account[Kind.CARDS] == {Ending.WRITTEN: 1, Ending.LOST: 1}
    assert {loss.item for loss in outcome.losses} == {
        spec("work/2/model"),
        spec("work/3/model"),
        "1 cards of DemoFlow/7",
    }
    assert all("not accounted for" in loss.reason for loss in outcome.losses)
    assert outcome.has_losses


def test_step_that_a_plan_forgets() -> None:
    """Nor does a whole step vanish."""
    plan = plan_of(RUN)
    outcome = outcome_of(RUN, replace(plan, runs=plan.runs[:2]))
    account = outcome.account or {}

    assert account[Kind.TASKS] == {Ending.WRITTEN: 3, Ending.LOST: 1}
    assert account[Kind.ARTIFACTS] == {Ending.WRITTEN: 8, Ending.LOST: 1}
    assert outcome.artifacts_passed_on == 3  # v of the join could be that of work/2


def test_what_a_plan_has_twice() -> None:
    """An account of more than there is does not add up either."""
    plan = plan_of(RUN)
    start, work, join = plan.runs
    twice = replace(work, values=work.values * 2, cards=work.cards * 2)
    losses = outcome_of(RUN, replace(plan, runs=(start, twice, join))).losses

    assert [loss.item for loss in losses] == [
        spec("work/2/v"),
        spec("work/3/v"),
        "2 cards of DemoFlow/7",
    ]


# --- any flow ---------------------------------------------------------------------------------

SETTINGS = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from(["step", "task"]),
        "datasets": st.booleans(),
        "models": st.booleans(),
        "others": st.booleans(),
        "max_artifact_size": st.sampled_from([None, 50]),
    }
)


@settings(max_examples=examples(100), deadline=None)
@given(flows(), SETTINGS, st.data())
def test_any_flow_adds_up(flow: list[Block], chosen: dict[str, Any], data: st.DataObject) -> None:
    """Whatever shape a flow has, and whatever is lost of it: each item has exactly one ending."""
    tasks = [
        replace(entry, attempts=(tried(),) * (number % 3), cards=(CARD,) * (number % 2))
        for number, entry in enumerate(act_out(flow).tasks)
    ]
    run = flow_run(*tasks, tags=("a",), parameters=(parameter("rate", 1),))
    items = [f"{entry.pathspec}/{ref.name}" for entry in tasks for ref in entry.artifacts]
    every_log = [f"{entry.pathspec}/log" for entry in tasks]
    gone = data.draw(st.lists(st.sampled_from([*items, *every_log]), max_size=5))
    outcome = outcome_of(run, plan_of(run, **chosen), losses=[Loss(item, "gone") for item in gone])
    account = outcome.account or {}

    assert outcome.losses == ()
    assert number_of(account, Kind.TASKS) == len(tasks)
    assert number_of(account, Kind.ATTEMPTS) == sum(len(entry.attempts) for entry in tasks)
    assert number_of(account, Kind.CARDS) == sum(len(entry.cards) for entry in tasks)
    assert number_of(account, Kind.LOGS) == len(tasks)
    assert number_of(account, Kind.ARTIFACTS) >= len(tasks)  # each task writes one
    assert number_of(account, Kind.ARTIFACTS) + outcome.artifacts_passed_on == len(items)
    logs = {item for item in gone if item.endswith("/log")}
    assert account.get(Kind.LOGS, {}).get(Ending.LOST, 0) == len(logs)


# --- push -------------------------------------------------------------------------------------

BUNDLED = outcome_of(RUN, plan_of(RUN))
BUNDLED_WORK = BUNDLED.wandb_runs[1]


def outputs_of_work(**facts: Any) -> list[OutputOutcome]:
    """Return the W&B artifacts of a foreach over two, as they arrived."""
    return [replace(output, items=2, **facts) for output in BUNDLED_WORK.outputs]


def test_pushed() -> None:
    """W&B knows whether it had a content; its bundle does not."""
    frame, model_ = outputs_of_work(deduplicated=True)
    result = count_arrived(BUNDLED_WORK, [frame, replace(model_, deduplicated=False)])
    again = count_arrived(replace(BUNDLED_WORK, account=result), [frame, model_])

    assert (result or {})[Kind.ARTIFACTS] == {Ending.WRITTEN: 4, Ending.DEDUPLICATED: 2}
    assert (again or {})[Kind.ARTIFACTS] == {Ending.WRITTEN: 2, Ending.DEDUPLICATED: 4}


def test_pushed_in_part() -> None:
    """What W&B refused is lost, and what was deleted is switched off."""
    frame, _ = outputs_of_work()
    refused = count_refused(BUNDLED_WORK.account, [frame]) or {}

    assert refused[Kind.ARTIFACTS] == {Ending.WRITTEN: 4, Ending.LOST: 2}
    assert (count_gone(BUNDLED_WORK.account) or {})[Kind.LOGS] == {Ending.SWITCHED_OFF: 2}


def test_pushed_flow_run() -> None:
    """The account of a push has all kinds, also those that no W&B run has for itself."""
    gone = replace(BUNDLED_WORK, account=count_gone(BUNDLED_WORK.account), deleted=True)
    start, _, join = BUNDLED.wandb_runs
    pushed = with_pushed_account(replace(BUNDLED, wandb_runs=(start, gone, join)), BUNDLED)
    account = pushed.account or {}

    assert {kind: number_of(account, kind) for kind in Kind} == {
        kind: number_of(WRITTEN, kind) for kind in Kind
    }
    assert account[Kind.TAGS] == {Ending.WRITTEN: 3}
    assert account[Kind.TASKS] == {Ending.WRITTEN: 2, Ending.SWITCHED_OFF: 2}


def test_bundle_of_an_older_version() -> None:
    """What has no account gets none: it is not known."""
    old = replace(BUNDLED, account=None, wandb_runs=())

    assert with_pushed_account(old, old).account is None
    assert count_arrived(replace(BUNDLED_WORK, account=None), []) is None
    assert count_refused(None, []) is None
    assert count_gone(None) is None
