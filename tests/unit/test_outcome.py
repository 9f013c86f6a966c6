"""What a call did, as values and as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.account import Account, Ending, Kind
from mfwb.errors import FlowRunsFailed
from mfwb.outcome import (
    FlowRunOutcome,
    InputOutcome,
    ItemCounts,
    OutputOutcome,
    Result,
    Status,
    WandbRunOutcome,
    outcome_from_json,
    outcome_to_json,
)
from mfwb.snapshot import Loss

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | TEXT
LOSSES = st.lists(st.builds(Loss, TEXT, TEXT), max_size=2).map(tuple)
COUNT = st.integers(0, 2**40)
COUNTS = st.builds(ItemCounts, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
NAMES = st.lists(TEXT, max_size=2).map(tuple)
OUTPUTS = st.builds(OutputOutcome, TEXT, TEXT, MAYBE, COUNT, NAMES, st.booleans(), MAYBE)
ACCOUNTS = st.none() | st.dictionaries(
    st.sampled_from(Kind), st.dictionaries(st.sampled_from(Ending), COUNT)
)
RUNS = st.builds(
    WandbRunOutcome,
    *[TEXT] * 4,
    *[MAYBE] * 2,
    st.lists(st.builds(InputOutcome, TEXT, TEXT, MAYBE, TEXT, TEXT), max_size=2).map(tuple),
    st.lists(OUTPUTS, max_size=2).map(tuple),
    NAMES,
    NAMES,
    NAMES,
    COUNTS,
    LOSSES,
    account=ACCOUNTS,
)
OUTCOMES = st.builds(
    FlowRunOutcome,
    TEXT,
    st.sampled_from(Status),
    *[MAYBE] * 5,
    st.lists(RUNS, max_size=2).map(tuple),
    LOSSES,
    account=ACCOUNTS,
)

A, B, C = (Loss(item, "gone") for item in "abc")
RUN = WandbRunOutcome(
    id="Flow-1-start-x",
    name="Flow/1/start",
    job_type="start",
    state="finished",
    inputs=(InputOutcome("x", "dataset", "d", "Flow/1/start", "available"),),
    outputs=(OutputOutcome("y", "model", "d", 1, ("y.pkl",)),) * 2,
    items=ItemCounts(total=5, values=1, written=1, deduplicated=1, switched_off=1, lost=1),
    losses=(B,),
    log_lines=12,
)
ACCOUNT: Account = {Kind.ARTIFACTS: {Ending.WRITTEN: 2, Ending.LOST: 1}}
RESULT = Result(
    "sync",
    (
        FlowRunOutcome(
            "Flow/1", Status.SYNCED, wandb_runs=(RUN, RUN), losses=(A,), account=ACCOUNT
        ),
        FlowRunOutcome(
            "Flow/2",
            Status.UNCHANGED,
            wandb_runs=(RUN,),
            losses=(C,),
            account=ACCOUNT,
            artifacts_passed_on=3,
        ),
        FlowRunOutcome("Flow/3", Status.SKIPPED, reason="it is still running"),
    ),
)


@given(OUTCOMES)
def test_round_trip(outcome: FlowRunOutcome) -> None:
    """An outcome comes back from its JSON as it was."""
    assert outcome_from_json(outcome_to_json(outcome)) == outcome


def test_half_of_a_surrogate_pair() -> None:
    """A name of a file that is no text, in a reason, comes back as well."""
    outcome = FlowRunOutcome("F/1", Status.FAILED, reason="there is no a\udcff.csv")

    assert "\\udcff" in outcome.to_json()
    assert outcome_from_json(outcome_to_json(outcome)) == outcome


def test_what_is_no_outcome() -> None:
    """It is a ValueError, however deep it is."""
    for text in ("{", "[]", "[" * 100_000, '{"pathspec": "\\ud800"}'):
        with pytest.raises(ValueError, match="validation error"):
            outcome_from_json(text)


def test_what_one_call_took_is_not_kept() -> None:
    """Its bytes and seconds are not stored, so that a later call need not reset them."""
    run = WandbRunOutcome("id", "F/1/a", "a", "finished", bytes_written=7)
    outcome = FlowRunOutcome("F/1", Status.SYNCED, wandb_runs=(run,), seconds=3.0)
    stored = outcome_from_json(outcome_to_json(outcome))

    assert (stored.bytes_written, stored.seconds) == (0, None)
    assert stored.as_unchanged().wandb_runs[0] is stored.wandb_runs[0]
    assert outcome.as_unchanged().bytes_written == 0


def test_written_before_a_field_was_added() -> None:
    """An outcome that lacks what has a default is still read."""
    assert outcome_from_json('{"pathspec": "Flow/1", "status": "synced"}') == FlowRunOutcome(
        "Flow/1", Status.SYNCED
    )


def test_totals() -> None:
    """Totals are over all flow runs, and each status is there even if nothing has it."""
    assert RESULT.totals == {
        "flow_runs": {"planned": 0, "synced": 1, "unchanged": 1, "skipped": 1, "failed": 0},
        "wandb_runs": 3,
        "inputs": 3,
        "outputs": 6,
        "items": {
            "total": 15,
            "values": 3,
            "written": 3,
            "deduplicated": 3,
            "switched_off": 3,
            "lost": 3,
        },
        "losses": 5,
        "masked": 0,
        "account": {
            kind: dict.fromkeys(map(str.lower, Ending.__members__), 0)
            | ({"written": 4, "lost": 2} if kind == "artifacts" else {})
            for kind in map(str.lower, Kind.__members__)
        },
        "artifacts_passed_on": 3,
        "log_lines": 36,
        "log_bytes_left_out": 0,
        "changes": {"new": 0, "changed": 0, "unfinished": 0, "unchanged": 0},
        "bytes_written": 0,
        "seconds": None,
        "requests": None,
        "estimate": {"size": 0, "size_is_estimate": False, "requests": 0, "seconds": 0.0},
    }


def test_losses() -> None:
    """Losses of flow runs and of their W&B runs are one list."""
    assert RESULT.losses == (A, B, B, C, B)


def test_has_losses() -> None:
    """A lost item without a loss of its own, which should not exist, is a loss as well."""
    lost: Account = {Kind.CARDS: {Ending.LOST: 1}}

    assert RESULT.has_losses
    assert not Result("sync", (FlowRunOutcome("F/1", Status.SYNCED, account={}),)).has_losses
    assert Result("sync", (FlowRunOutcome("F/1", Status.UNCHANGED, account=lost),)).has_losses


def test_failed() -> None:
    """One flow run that failed makes the result a failed one; a skipped one does not."""
    failed = FlowRunOutcome("Flow/4", Status.FAILED, reason="no")

    assert not RESULT.failed
    assert Result("sync", (*RESULT.flow_runs, failed)).failed


def test_document() -> None:
    """The JSON document has the promised keys, and can be printed."""
    document = RESULT.to_dict()

    assert list(document) == ["version", "command", "flow_runs", "notes", "totals"]
    assert (document["version"], document["command"]) == (1, "sync")
    assert document["flow_runs"][2]["status"] == "skipped"
    assert document["flow_runs"][0]["wandb_runs"][0]["inputs"] == [
        {
            "name": "x",
            "type": "dataset",
            "digest": "d",
            "producer": "Flow/1/start",
            "ground": "available",
        }
    ]
    assert json.loads(json.dumps(document)) == document


def test_counts_add() -> None:
    """Counts add up field by field."""
    assert ItemCounts(1, 2, 3, 4, 5, 6) + ItemCounts(10, 20, 30, 40, 50, 60) == ItemCounts(
        11, 22, 33, 44, 55, 66
    )


# --- failures --------------------------------------------------------------------------------

GOOD = FlowRunOutcome("F/1", Status.SYNCED)
GONE = FlowRunOutcome("F/2", Status.FAILED, reason="gone")
REFUSED = FlowRunOutcome("F/3", Status.FAILED, reason="refused", exit_code=4)
BUG = FlowRunOutcome("F/4", Status.FAILED, reason="a bug", bug=True)


@pytest.mark.parametrize(
    ("flow_runs", "code"),
    [
        ((), 0),
        ((GOOD,), 0),
        ((GOOD, GONE), 1),
        ((GOOD, REFUSED), 4),
        ((GONE, REFUSED), 1),
        ((GONE, REFUSED, BUG), 70),
    ],
)
def test_exit_code(flow_runs: tuple[FlowRunOutcome, ...], code: int) -> None:
    """It is 0 if no flow run failed, and that of the error otherwise."""
    result = Result("sync", flow_runs)

    assert result.exit_code == code
    if code:
        with pytest.raises(FlowRunsFailed) as caught:
            result.raise_for_failures()
        assert caught.value.exit_code == code
    else:
        assert result.raise_for_failures() is result


def test_failures_are_raised_with_their_reasons() -> None:
    """Flow runs that did not fail are counted, and not named."""
    with pytest.raises(FlowRunsFailed, match=r"^2 of 3 flow runs failed: F/2: gone; F/4: a bug$"):
        Result("sync", (GOOD, GONE, BUG)).raise_for_failures()
