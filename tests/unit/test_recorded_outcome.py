"""The outcome of an unchanged flow run, from the text that the ledger keeps."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import fields, replace

import pytest
from hypothesis import given

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.recorded_outcome import RecordedOutcome, from_ledger, to_ledger
from tests.unit.test_outcome import OUTCOMES, RESULT, TEXT

SYNCED = replace(
    RESULT.flow_runs[0], group="g", entity="e", project="p", mode="online", url="https://w/e/p/g"
)


def recorded(outcome: FlowRunOutcome = SYNCED) -> FlowRunOutcome:
    """Return what a later call shows of an outcome."""
    return from_ledger(to_ledger(outcome), is_own=True)


@given(OUTCOMES, TEXT)
def test_as_if_it_were_read(outcome: FlowRunOutcome, url: str) -> None:
    """It has the values, the numbers and the JSON of an outcome that was read at once."""
    outcome = replace(outcome, url=url)
    shown = recorded(outcome)
    expected = outcome.as_unchanged()

    assert shown == expected
    assert expected == shown
    assert {item.name: getattr(shown, item.name) for item in fields(shown)} == {
        item.name: getattr(expected, item.name) for item in fields(expected)
    }
    assert dict(shown.numbers) == dict(expected.numbers)
    assert shown.has_losses is expected.has_losses
    assert json.loads(shown.to_json()) == expected.to_dict() == shown.to_dict()
    assert Result("sync", (shown,)).totals == Result("sync", (expected,)).totals
    was_synced = outcome.status is Status.SYNCED and outcome.reason is None
    assert isinstance(shown, RecordedOutcome) is was_synced


def test_a_copy_is_a_plain_outcome() -> None:
    """With other values it is one like any other; whole copies are equal."""
    shown = recorded()

    assert type(replace(shown, reason="why")) is FlowRunOutcome
    assert replace(shown, status=Status.SYNCED) == SYNCED
    assert copy.deepcopy(shown) == shown == pickle.loads(pickle.dumps(shown))
    assert repr(shown) == repr(replace(shown)).replace("FlowRunOutcome", "RecordedOutcome", 1)


def test_in_a_set() -> None:
    """Equal ones have equal hashes; another flow run, and what is no outcome, is not equal."""
    assert len({recorded(), recorded()}) == 1
    assert recorded() != recorded(replace(SYNCED, pathspec="Flow/9"))
    assert recorded() != object()


def test_of_a_stranger() -> None:
    """All of it is read at once, and checked."""
    shown = from_ledger(to_ledger(SYNCED), is_own=False)

    assert type(shown) is FlowRunOutcome
    assert shown == SYNCED.as_unchanged()
    with pytest.raises(ValueError, match="validation error"):
        from_ledger(to_ledger(SYNCED).replace('"wandb_runs":[', '"wandb_runs":[7,'), is_own=False)


@pytest.mark.parametrize("text", ["", "[]", "{}", to_ledger(SYNCED)[:-1]])
def test_damaged(text: str) -> None:
    """What is no outcome is none, whoever wrote it."""
    with pytest.raises(ValueError, match="validation error"):
        from_ledger(text, is_own=True)


def test_other_attributes() -> None:
    """It has none that an outcome does not have."""
    assert not hasattr(recorded(), "nothing")
    assert not hasattr(recorded(), "_nothing")
