"""The result of a verification: exit codes, totals and errors."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mfwb.errors import FlowRunsDiffer, FlowRunsFailed
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

ACCURACY = Difference("summary", "train accuracy", "F/1/train", 0.9, 0.1, "somebody changed it")


def flow_run(verdict: Verdict, **fields: Any) -> FlowRunVerification:
    """Return the verification of a flow run."""
    different = {"differences": (ACCURACY,)} if verdict is Verdict.DIFFERENT else {}
    return FlowRunVerification(fields.pop("pathspec", "F/1"), verdict, **{**different, **fields})


SAME, DIFFERENT = flow_run(Verdict.SAME), flow_run(Verdict.DIFFERENT)
FAILED, REFUSED = flow_run(Verdict.FAILED), flow_run(Verdict.FAILED, exit_code=4)
BUG, RUNNING = flow_run(Verdict.FAILED, bug=True), flow_run(Verdict.SKIPPED)


@pytest.mark.parametrize(
    ("flow_runs", "code"),
    [
        ((), 0),
        ((SAME, RUNNING), 0),
        ((SAME, FAILED), 1),
        ((SAME, REFUSED), 4),
        ((FAILED, REFUSED), 1),
        ((DIFFERENT, FAILED, SAME), 6),
        ((DIFFERENT, BUG), 70),
    ],
)
def test_exit_codes(flow_runs: tuple[FlowRunVerification, ...], code: int) -> None:
    """A difference is worse than what is not known, and a bug is worse than a difference."""
    assert Verification(flow_runs).exit_code == code


def test_raise_for_differences() -> None:
    """Differences come first, then failures; else the result comes back."""
    fine = Verification((SAME, RUNNING))
    with pytest.raises(
        FlowRunsDiffer, match=r"1 of 2 flow runs differ in W&B: F/1: train"
    ) as raised:
        Verification((SAME, DIFFERENT)).raise_for_differences()
    with pytest.raises(FlowRunsFailed, match="1 of 2 flow runs failed"):
        Verification((SAME, FAILED)).raise_for_differences()

    assert fine.raise_for_differences() is fine
    assert raised.value.items == {"F/1": ("train accuracy",)}
    assert pickle.loads(pickle.dumps(raised.value)).items == raised.value.items


def test_the_document() -> None:
    """The keys that programs rely on."""
    document = Verification((DIFFERENT, flow_run(Verdict.SAME, compared={"run": 2}))).to_dict()

    assert document["version"] == 1
    assert document["command"] == "verify"
    assert document["flow_runs"][0]["differences"] == [
        {
            "kind": "summary",
            "item": "train accuracy",
            "wandb_run": "F/1/train",
            "metaflow": 0.9,
            "wandb": 0.1,
            "cause": "somebody changed it",
            "repairable": True,
        }
    ]
    assert document["totals"] == {
        "flow_runs": {"same": 1, "different": 1, "skipped": 0, "failed": 0},
        "compared": 2,
        "differences": 1,
        "unknown": 0,
        "repaired": 0,
        "requests": 0,
        "bytes_read": 0,
    }
