"""A card's HTML, read from the datastore: the one whose name holds the recorded uuid.

Seen in Metaflow 2.19.39 (`CardDatastore`): below the datastore's root, in
`mf.cards/<flow>/runs/<run>/steps/<step>/tasks/<task>/cards/`, cards are called
`<type>-<uuid>.html` or, if they have an id, `<type>-<id>-<uuid>.html`; before June 2022 without
`steps/<step>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Card
from mfwb.source.records import Readable

if TYPE_CHECKING:  # it imports metaflow
    from mfwb.source.datastore import FlowStore

__all__ = ["MOST", "copy_card"]

MOST = 50_000_000
"""Bytes; browsers open no larger HTML, and W&B's SDK reads all of it into memory."""

_NAME = re.compile(r"[\w.-]{1,200}", re.ASCII)
_CHUNK = 1 << 20


def copy_card(store: FlowStore, tasks: Iterable[str], card: Card, target: Path) -> None:
    """Write a card into a file.

    Args:
        store: of the flow.
        tasks: pathspecs of where it may be: a clone's cards are its origin's.
        card: as it was recorded.
        target: is written.

    Raises:
        ItemLost: it is gone, or too large.
        SourceError: the datastore does not answer.
    """
    named = [card.type, *([] if card.id is None else [card.id]), card.uuid]
    if not all(_NAME.fullmatch(part) for part in named):
        raise ItemLost("what Metaflow recorded of the card is damaged")
    for task in tasks:
        match task.split("/"):
            case [flow, run, step, number]:
                pass
            case _:
                continue
        for folder in (f"steps/{step}/tasks/{number}", f"tasks/{number}"):
            path = f"mf.cards/{flow}/runs/{run}/{folder}/cards/{'-'.join(named)}.html"
            with store.open(path) as blob:
                if blob is not None:
                    _copy(blob.stream, target)
                    return
    raise ItemLost("the card is gone from Metaflow's datastore")


def _copy(stream: Readable, target: Path) -> None:
    size = 0
    try:
        with target.open("wb") as out:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MOST:
                    raise ItemLost(f"it has more than the {MOST:,} bytes that a card may have")
                out.write(chunk)
    except OSError as error:
        raise SourceError(f"a card can't be read: {error}") from error
