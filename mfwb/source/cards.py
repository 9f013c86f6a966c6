"""A card's HTML, read from the datastore: the one whose name contains the recorded uuid.

Seen in Metaflow 2.19.39 (`CardDatastore`): in `<flow>/runs/<run>/steps/<step>/tasks/<task>/cards/`,
below the folder for cards, they are called `<type>-<uuid>.html` or, if they have an id,
`<type>-<id>-<uuid>.html`; before June 2022 without `steps/<step>`. That folder is `mf.cards` in the
root of the datastore, or the root itself if `METAFLOW_CARD_LOCALROOT` is set, or if the datastore
is only given by `--datastore-root`. With `METAFLOW_DATASTORE_SYSROOT_LOCAL` it is `mf.cards` in
the first `.metaflow` where the flow ran, or above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import Readable
from mfwb.snapshot import Card
from mfwb.snapshot.pathspec import parts_of

if TYPE_CHECKING:  # it imports metaflow
    from mfwb.source.datastore.flow_store import FlowStore

__all__ = ["MAX_CARD_BYTES", "CardFolder", "copy_card"]

MAX_CARD_BYTES = 50_000_000
"""Bytes; browsers open no larger HTML, and W&B's SDK reads all of it into memory."""

_NAME = re.compile(r"[\w.-]{1,200}", re.ASCII)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CardFolder:
    """A folder that may have cards: a path prefix in a store that ends in `/`, or an empty one."""

    store: FlowStore
    prefix: str


def copy_card(
    folders: Iterable[CardFolder], tasks: Sequence[str], card: Card, target: Path
) -> None:
    """Write a card into a file.

    Args:
        folders: folders that may have it, the most likely first.
        tasks: pathspecs of the tasks that may have it: the cards of a clone are its origin's.
        card: the recorded card.
        target: the file to write.

    Raises:
        ItemLost: it is gone, or too large.
        SourceError: the datastore does not answer.
    """
    name_parts = [card.type, *([] if card.id is None else [card.id]), card.uuid]
    if not all(_NAME.fullmatch(part) for part in name_parts):
        raise ItemLost("Metaflow's record of the card is damaged")
    paths = [path for task in tasks for path in _paths(task, "-".join(name_parts))]
    for folder in folders:
        for path in paths:
            with folder.store.open(f"{folder.prefix}{path}") as blob:
                if blob is not None:
                    _copy(blob.stream, target)
                    return
    raise ItemLost(
        "the card is gone from Metaflow's datastore; or it is in the .metaflow of another folder, "
        "which --datastore-root can name"
    )


def _paths(task: str, name: str) -> Iterator[str]:
    match parts_of(task):
        case [flow, run, step, number]:
            for folder in (f"steps/{step}/tasks/{number}", f"tasks/{number}"):
                yield f"{flow}/runs/{run}/{folder}/cards/{name}.html"


def _copy(stream: Readable, target: Path) -> None:
    size = 0
    try:
        with target.open("wb") as out:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MAX_CARD_BYTES:
                    raise ItemLost(
                        f"it has more than the {MAX_CARD_BYTES:,} bytes that a card may have"
                    )
                out.write(chunk)
    except OSError as error:
        raise SourceError(f"a card can't be read: {error}") from error
