"""Accounts: numbers of items by kind and ending."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mfwb.account import (
    Account,
    Ending,
    Kind,
    add_accounts,
    count_endings,
    full_account,
    move,
    number_of,
    subtract,
    to_account,
)

ITEMS = st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from(Ending)), max_size=20)
TWO: Account = {Kind.ARTIFACTS: {Ending.WRITTEN: 2, Ending.LOST: 1}, Kind.TAGS: {Ending.WRITTEN: 1}}


def test_numbers() -> None:
    """Items are counted by kind and ending, sorted; numbers that are 0 are left out."""
    items = [(Kind.TAGS, Ending.WRITTEN), (Kind.ARTIFACTS, Ending.LOST)]
    items += [(Kind.ARTIFACTS, Ending.WRITTEN)] * 2

    assert to_account(items) == TWO
    assert list(to_account(items)) == [Kind.ARTIFACTS, Kind.TAGS]


def test_full_account_has_all_numbers() -> None:
    """Each kind has each ending, so that a program need not expect a number to be left out."""
    full = full_account(TWO)

    assert list(full) == list(Kind)
    assert all(list(numbers) == list(Ending) for numbers in full.values())
    assert full[Kind.ARTIFACTS][Ending.WRITTEN] == 2
    assert number_of(full) == number_of(TWO) == 4


@given(ITEMS, ITEMS)
def test_sums(some: list[tuple[Kind, Ending]], more: list[tuple[Kind, Ending]]) -> None:
    """The sum of two accounts is that of all their items, and can be taken apart again."""
    total = add_accounts([to_account(some), to_account(more)])

    assert total == to_account([*some, *more])
    assert subtract(total, to_account(more)) == to_account(some)
    assert sum(count_endings(total).values()) == number_of(total) == len(some) + len(more)


@given(ITEMS, st.integers(0, 30))
def test_items_that_move_stay(items: list[tuple[Kind, Ending]], number: int) -> None:
    """Items get another ending; none is added, and none vanishes."""
    before = to_account(items)
    after = move(
        before, Kind.TASKS, number, to=Ending.LOST, origins=(Ending.WRITTEN, Ending.DEDUPLICATED)
    )

    assert number_of(after) == number_of(before)
    full, was = full_account(after)[Kind.TASKS], full_account(before)[Kind.TASKS]
    moved = full[Ending.LOST] - was[Ending.LOST]
    assert moved == min(number, was[Ending.WRITTEN] + was[Ending.DEDUPLICATED])
    assert min(full.values()) >= 0


def test_the_first_origin_comes_first() -> None:
    """What was written is moved before what was deduplicated."""
    before: Account = {Kind.ARTIFACTS: {Ending.WRITTEN: 2, Ending.DEDUPLICATED: 2}}
    after = move(
        before, Kind.ARTIFACTS, 3, to=Ending.LOST, origins=(Ending.WRITTEN, Ending.DEDUPLICATED)
    )

    assert after == {Kind.ARTIFACTS: {Ending.DEDUPLICATED: 1, Ending.LOST: 3}}
