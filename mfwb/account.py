"""The account of a flow run: how each of its items ended, as numbers by kind. Pure values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum

__all__ = [
    "Account",
    "Ending",
    "Kind",
    "add_accounts",
    "count_endings",
    "full_account",
    "move",
    "number_of",
    "subtract",
    "to_account",
]


class Kind(str, Enum):
    """What an item of a flow run is.

    A log is that of one task, its stdout and stderr together: the facts of a flow run have no
    lines. The number of lines is known when a log is read, and the result has it beside the
    account.
    """

    TASKS = "tasks"
    ATTEMPTS = "attempts"
    ARTIFACTS = "artifacts"
    PARAMETERS = "parameters"  # and configs, included files and constants
    TAGS = "tags"  # of users and of Metaflow
    LOGS = "logs"
    CARDS = "cards"
    CODE_PACKAGES = "code_packages"


class Ending(str, Enum):
    """How an item ended; each item has exactly one ending."""

    WRITTEN = "written"
    DEDUPLICATED = "deduplicated"  # W&B had that content already
    SWITCHED_OFF = "switched_off"  # by a setting; or somebody deleted its W&B run
    MASKED = "masked"  # W&B has a mark where a secret was
    REFERENCED = "referenced"  # W&B has a link to its bytes, which stay where they are
    LOST = "lost"  # a loss has the reason


Account = dict[Kind, dict[Ending, int]]
"""Numbers of items by kind and ending; numbers that are 0 may be left out."""


def to_account(items: Iterable[tuple[Kind, Ending]]) -> Account:
    """Return the account of some items, without numbers that are 0."""
    account: Account = {}
    for (kind, ending), number in sorted(Counter(items).items(), key=_position):
        account.setdefault(kind, {})[ending] = number
    return account


def add_accounts(accounts: Iterable[Account]) -> Account:
    """Return the sum of accounts, without numbers that are 0."""
    return _combine((account, 1) for account in accounts)


def subtract(account: Account, other: Account) -> Account:
    """Return an account without the items of another one that is part of it."""
    return _combine([(account, 1), (other, -1)])


def full_account(account: Account) -> Account:
    """Return the account with all numbers, also those that are 0."""
    return {kind: {end: account.get(kind, {}).get(end, 0) for end in Ending} for kind in Kind}


def count_endings(account: Account) -> dict[Ending, int]:
    """Return the number of items of all kinds by ending, also those that are 0."""
    return {end: sum(numbers.get(end, 0) for numbers in account.values()) for end in Ending}


def number_of(account: Account, kind: Kind | None = None) -> int:
    """Return the number of items of one kind, or of all kinds, however they ended."""
    kinds = account if kind is None else [kind]
    return sum(sum(account.get(kind, {}).values()) for kind in kinds)


def move(
    account: Account, kind: Kind, number: int, *, to: Ending, origins: tuple[Ending, ...]
) -> Account:
    """Return the account with another ending for some items; their number stays.

    Args:
        account: the account.
        kind: the kind of the items.
        number: the number of items; fewer are moved if there are fewer.
        to: their ending.
        origins: the endings that they may have had, the first one first.
    """
    numbers = dict(account.get(kind, {}))
    left = number
    for ending in origins:
        moved = min(left, numbers.get(ending, 0))
        numbers[ending] = numbers.get(ending, 0) - moved
        numbers[to] = numbers.get(to, 0) + moved
        left -= moved
    return _combine([({**account, kind: numbers}, 1)])


def _combine(accounts: Iterable[tuple[Account, int]]) -> Account:
    total: Counter[tuple[Kind, Ending]] = Counter()
    for account, sign in accounts:
        for kind, numbers in account.items():
            for ending, number in numbers.items():
                total[kind, ending] += sign * number
    combined: Account = {}
    for (kind, ending), number in sorted(total.items(), key=_position):
        if number:
            combined.setdefault(kind, {})[ending] = number
    return combined


_KINDS = {kind: position for position, kind in enumerate(Kind)}
_ENDINGS = {ending: position for position, ending in enumerate(Ending)}


def _position(entry: tuple[tuple[Kind, Ending], int]) -> tuple[int, int]:
    (kind, ending), _ = entry
    return _KINDS[kind], _ENDINGS[ending]
