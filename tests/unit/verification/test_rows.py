"""Rows of history, by step."""

from __future__ import annotations

from mfwb.verification.rows import merge_rows


def test_rows_by_step() -> None:
    """What W&B adds is left out; of two rows of a step the first one counts, and both are seen."""
    rows = [
        {"_step": 1, "_runtime": 2, "_timestamp": 3, "a": 1},
        {"_step": 0, "a": 0},
        {"_step": 1, "a": 9, "b": 2},
    ]

    assert merge_rows(rows) == ({1: {"a": 1, "b": 2}, 0: {"a": 0}}, (1,))
