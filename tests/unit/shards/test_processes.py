"""The processes of a backfill: what each is given, and what is made of how they ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfwb.config import load_settings
from mfwb.errors import LockHeld, MfwbError, Unreachable, UsageError
from mfwb.outcome import Status
from mfwb.shards.messages import SentSettings
from mfwb.shards.processes import (
    ShardEnd,
    not_begun,
    raise_if_none_began,
    with_share_of_budget,
)
from tests.unit.ledger.entries import OUTCOME


@pytest.mark.parametrize(
    ("whole", "processes", "share"), [(240, 4, 60), (1000, 3, 333), (100, 1, 100), (None, 4, None)]
)
def test_the_budget_is_shared(whole: int | None, processes: int, share: int | None) -> None:
    """All processes together keep it, and the share is sent with the other settings."""
    settings = load_settings({"max_requests_per_minute": whole}, environ={})

    shared = with_share_of_budget(settings, processes)

    assert SentSettings.of(shared).make().max_requests_per_minute == share


def test_a_flow_run_that_was_not_reached_has_failed() -> None:
    """With the reason of its shard; those that were reached keep their outcomes."""
    end = ShardEnd("3", {"Flow/1": OUTCOME}, error="it was killed", exit_code=4)

    known, missing = end.complete(["Flow/1", "Flow/2"])

    assert known == OUTCOME
    assert (missing.status, missing.reason, missing.exit_code) == (
        Status.FAILED,
        "it was killed",
        4,
    )


def test_what_comes_after_a_broken_shard_is_not_begun() -> None:
    """Its reason names that shard; flow runs that failed for themselves are no reason."""
    broken = ShardEnd("2", error="no answer", exit_code=4)

    assert not_begun([ShardEnd("1", {"Flow/1": OUTCOME})]) is None
    why = not_begun([ShardEnd("1"), broken])
    assert why is not None
    assert why.error == "shard 2, which comes before it, did not end: no answer"
    assert why.exit_code == 4


@pytest.mark.parametrize("kind", [UsageError, Unreachable, LockHeld])
def test_what_keeps_all_shards_from_beginning_is_raised(kind: type[MfwbError]) -> None:
    """As in a sync: one line about a wrong key, and not one for each of 100,000 flow runs."""
    broken = ShardEnd("first", error="no answer", exit_code=kind.exit_code)
    ends = [broken, replace(broken, name="1", error="shard first ... did not end: no answer")]

    with pytest.raises(kind, match=r"^no answer$"):
        raise_if_none_began(ends)


def test_a_backfill_that_reached_a_flow_run_has_a_result() -> None:
    """Also one whose process was killed, since that says nothing of the others."""
    broken = ShardEnd("1", error="no answer", exit_code=4)

    raise_if_none_began([broken, ShardEnd("2", {"Flow/1": OUTCOME}, error="no answer")])
    raise_if_none_began([broken, ShardEnd("2")])
    raise_if_none_began([replace(broken, exit_code=1)])
    raise_if_none_began([])
