"""Card records of a task: the cards in its metadata, without those of earlier attempts.

Seen in Metaflow 2.19.39: a separate process renders a card and records it when it is done. If the
attempt fails, that process continues, so it may record its card after the next attempt began, and
under the number of that attempt (`attempt_id`). So neither time nor number is reliable; but there
is one card for each `@card` of the step, and the cards of the last attempt come last.

Metaflow before 2.16 recorded no cards (2.9 to 2.15 were tried): only a file of a name that nobody
knows is in the datastore. Such cards are not read, but they are counted as lost.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from mfwb.snapshot import Card, Loss
from mfwb.snapshot.inventory import unread_card
from mfwb.source.attempts import Record
from mfwb.source.json_records import to_card
from mfwb.source.typed_values import DamagedError

__all__ = ["CardKind", "to_cards"]

CardKind = tuple[str, "str | None"]
"""Type and id of a card; few cards of a step have both in common."""

_FIRST_WITH_RECORDS = (2, 16)
_MAX_CARDS = 100
"""Cards of a task; a record costs a few bytes, and each card it names may have 50 MB."""


def to_cards(
    task: str, records: Iterable[Record], declared: Mapping[CardKind, int], *, since: int
) -> Iterator[Card | Loss]:
    """Yield the cards of the last attempt, in the order in which they were recorded.

    For a card whose record is damaged, yield a loss; and one for those that an old Metaflow did
    not record. Two equal records are one card.

    Args:
        task: its pathspec.
        records: its metadata.
        declared: how many cards of a kind the step's decorators make; of other kinds, all count.
        since: epoch ms; when the last attempt began.
    """
    records = list(records)
    if declared and not any(record.type == "card-info" for record in records):
        version = _version_without_records(records)
        if version is not None:
            text = f"Metaflow {version} did not record it: versions before 2.16 recorded no cards"
            yield Loss(f"{task} card", text)
    cards_seen: dict[Card, None] = {}
    for record in sorted(records, key=lambda record: (record.created_at, record.name)):
        if record.type != "card-info" or record.created_at < since:
            continue
        try:
            cards_seen[to_card(record.value)] = None
        except DamagedError as error:
            # The text is part of the plan's digest.
            yield Loss(unread_card(task), f"what Metaflow recorded of it is odd: {error}")
    cards = _newest(cards_seen, declared)
    yield from cards[:_MAX_CARDS]
    if len(cards) > _MAX_CARDS:
        yield Loss(unread_card(task), f"the task has more than {_MAX_CARDS} cards")


def _version_without_records(records: Iterable[Record]) -> str | None:
    """Return the version of Metaflow that ran the task, if it recorded no cards; else None."""
    for record in records:
        if record.type == "metaflow_version" and isinstance(record.value, str):
            numbers = re.match(r"([0-9]{1,9})\.([0-9]{1,9})(?:\.[0-9]{1,9})?", record.value)
            if numbers and (int(numbers[1]), int(numbers[2])) < _FIRST_WITH_RECORDS:
                return numbers[0]
    return None


def _newest(cards: Collection[Card], declared: Mapping[CardKind, int]) -> list[Card]:
    """Return as many cards of each kind as are declared, the newest ones."""
    by_kind: dict[CardKind, list[Card]] = defaultdict(list)
    for card in cards:
        by_kind[card.type, card.id].append(card)
    kept = {
        card
        for kind, of_kind in by_kind.items()
        for card in of_kind[-declared.get(kind, len(of_kind)) :]
    }
    return [card for card in cards if card in kept]
