"""The last operations of a process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mfwb.operations import MAX_OPERATIONS, last_operations, note_operation, noted


def test_only_the_last_are_kept() -> None:
    """The oldest are dropped, and the order is that in which they were noted."""
    for number in range(MAX_OPERATIONS + 5):
        note_operation("test", f"operation {number}")

    texts = [operation.text for operation in last_operations()]
    assert (len(texts), texts[0], texts[-1]) == (
        MAX_OPERATIONS,
        "operation 5",
        f"operation {MAX_OPERATIONS + 4}",
    )


def test_the_end_of_an_operation() -> None:
    """It is noted with its duration; of an error only the type, since its text may have secrets."""
    with noted("test", "good"):
        pass
    with pytest.raises(ValueError, match="secret"), noted("test", "bad"):
        raise ValueError("secret")

    last = last_operations()[-4:]
    assert [item.text for item in last] == [
        *("good: begins", "good: done", "bad: begins", "bad: ended by ValueError")
    ]
    assert [item.seconds is None for item in last] == [True, False, True, False]


def test_threads() -> None:
    """All of them note at once, while one reads."""
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(note_operation, "test", f"{number}") for number in range(2_000)]
        for _ in range(200):
            assert len(last_operations()) <= MAX_OPERATIONS
        for item in done:
            item.result()
    assert {operation.part for operation in last_operations()} == {"test"}
