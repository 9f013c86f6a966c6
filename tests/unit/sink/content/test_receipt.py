"""What a W&B run says of itself."""

from __future__ import annotations

import pytest

from mfwb.outcome import OutputOutcome
from mfwb.sink.content.receipt import Receipt, receipt_from, receipt_text
from mfwb.snapshot import Loss


def test_round_trip() -> None:
    """A receipt is read back as it was written."""
    receipt = Receipt(
        outputs=(OutputOutcome("a", "dataset", "d", 3, ("a.parquet",), version="v1"),),
        losses=(Loss("x", "gone"),),
        uses=("model of Flow/1/train",),
    )

    assert receipt_from(receipt_text(receipt)) == receipt


@pytest.mark.parametrize("said", [None, 7, "", "{", '{"outputs": 3}'])
def test_what_is_none(said: object) -> None:
    """Anything else is no receipt, and no error."""
    assert receipt_from(said) is None


def test_too_long() -> None:
    """A receipt of very many files is left out."""
    files = tuple(f"{number}/model.pkl" for number in range(10_000))

    assert receipt_text(Receipt((OutputOutcome("m", "model", "d", 1, files),))) is None
