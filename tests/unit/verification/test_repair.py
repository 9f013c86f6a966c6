"""Repair: what is synced again, and what is said to be mended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from mfwb.verification.repair import repair
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification


def difference(item: str, *, repairable: bool = True) -> Difference:
    """Return a difference."""
    return Difference("config", item, "F/1/a", 1, 2, "why", repairable)


def verified(pathspec: str, *differences: Difference) -> FlowRunVerification:
    """Return the verification of a flow run."""
    verdict = Verdict.DIFFERENT if differences else Verdict.SAME
    return FlowRunVerification(pathspec, verdict, differences=differences, requests=3)


def test_only_what_differs_and_can_be_mended_is_synced() -> None:
    """The others stay as they are; what is left is counted apart from what was mended."""
    synced: list[tuple[list[str], set[str] | None]] = []

    def sync_again(names: Sequence[str], runs: Collection[str] | None) -> dict[str, str]:
        synced.append(([*names], None if runs is None else {*runs}))
        return {"F/2": "no disk"} if "F/2" in names else {}

    before = Verification(
        (
            verified("F/1", difference("a"), difference("b")),
            verified("F/2", replace(difference("c"), wandb_run=None)),
            verified("F/3", difference("strange run", repairable=False)),
            verified("F/4"),
            FlowRunVerification("F/5", Verdict.FAILED),
        )
    )
    after = repair(
        before,
        sync_again,
        lambda _names: [
            verified("F/1", difference("b")),
            verified("F/2", replace(difference("c"), wandb_run=None)),
        ],
    )

    assert synced == [(["F/1"], {"F/1/a"}), (["F/2"], None)]
    assert [run.repaired for run in after.flow_runs] == [1, 0, 0, None, None]
    assert [len(run.differences) for run in after.flow_runs] == [1, 1, 1, 0, 0]
    assert after.flow_runs[0].requests == 6
    assert after.notes == ("F/2 was not repaired: no disk",)
    assert after.exit_code == 6


def test_what_can_not_be_read_afterwards_is_not_mended() -> None:
    """An outage during the second look proves nothing."""
    before = Verification((verified("F/1", difference("a")),))

    after = repair(
        before, lambda *_: {}, lambda _: [FlowRunVerification("F/1", Verdict.FAILED, "no answer")]
    )

    assert after.flow_runs[0].repaired == 0
    assert after.exit_code == 1


def test_nothing_to_repair() -> None:
    """No sync is started."""
    before = Verification((verified("F/1"),))

    def never(names: Sequence[str], _runs: Collection[str] | None) -> dict[str, str]:
        raise AssertionError(names)

    assert repair(before, never, lambda _: []) == before
