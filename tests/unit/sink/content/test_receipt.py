"""Receipts in the summary of a W&B run."""

from __future__ import annotations

import pytest

from mfwb.outcome import OutputOutcome
from mfwb.sink.content.receipt import Receipt, dump_receipt, parse_receipt
from mfwb.snapshot import Loss


def test_round_trip() -> None:
    """A receipt is read back as it was written."""
    receipt = Receipt(
        outputs=(OutputOutcome("a", "dataset", "d", 3, ("a.parquet",), version="v1"),),
        losses=(Loss("x", "gone"),),
        uses=("model of Flow/1/train",),
    )

    assert parse_receipt(dump_receipt(receipt)) == receipt


@pytest.mark.parametrize("said", [None, 7, "", "{", '{"outputs": 3}'])
def test_what_is_none(said: object) -> None:
    """Any other value is not a receipt, and not an error."""
    assert parse_receipt(said) is None


def test_too_long() -> None:
    """A receipt of very many files is left out."""
    files = tuple(f"{number}/model.pkl" for number in range(10_000))

    assert dump_receipt(Receipt((OutputOutcome("m", "model", "d", 1, files),))) is None
