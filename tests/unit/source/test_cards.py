"""A card is the file with the recorded uuid in its name; no name leads to another folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from mfwb.errors import ItemLost
from mfwb.snapshot import Card
from mfwb.source import cards as module
from mfwb.source.cards import CardFolder, copy_card
from mfwb.source.datastore.blobs import Blob

UUID = "6acd7102ebd84e3390d7713b36fb880e"
FOLDER = "mf.cards/F/runs/1/steps/s/tasks/2/cards"


class Store:
    """Files in memory, by path below the root; records the requested paths."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[str] = []

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a file."""
        self.asked.append(path)
        data = self.files.get(path)
        yield None if data is None else Blob(io.BytesIO(data), gzipped=True)


def copied(store: Store, card: Card, target: Path, *tasks: str) -> bytes:
    """Return the card of a task."""
    locations = [CardFolder(cast("Any", store), folder) for folder in ("mf.cards/", "")]
    copy_card(locations, tasks or ("F/1/s/2",), card, target)
    return target.read_bytes()


def test_of_several(tmp_path: Path) -> None:
    """Two cards of one type, one without an id, and one of an earlier attempt."""
    store = Store(
        **{
            f"{FOLDER}/blank-{UUID}.html": b"main",
            f"{FOLDER}/blank-details-{'1' * 32}.html": b"details",
            f"{FOLDER}/blank-{'2' * 32}.html": b"earlier",
        }
    )

    assert copied(store, Card("blank", None, UUID), tmp_path / "a") == b"main"
    assert copied(store, Card("blank", "details", "1" * 32), tmp_path / "b") == b"details"
    with pytest.raises(ItemLost, match="gone"):
        copied(store, Card("blank", None, "1" * 32), tmp_path / "c")


def test_of_old_and_of_clones(tmp_path: Path) -> None:
    """Before 2022 the path had no step; a clone has its origin's card."""
    old = f"mf.cards/F/runs/0/tasks/9/cards/default-{UUID}.html"
    store = Store(**{old: b"old"})

    assert copied(store, Card("default", None, UUID), tmp_path / "a", "F/1/s/2", "x", "F/0/s/9")


@pytest.mark.parametrize(
    "card",
    [
        Card("../../../x", None, UUID),
        Card("default", "a/b", UUID),
        Card("default", None, "../key"),
        Card("default", None, ""),
        Card("default", "*", UUID),
        Card("de\0fault", None, UUID),
        Card("default", None, "u" * 5000),
        Card("default", None, UUID + "\n"),
    ],
    ids=repr,
)
def test_names_that_are_paths(card: Card, tmp_path: Path) -> None:
    """Nothing is requested."""
    store = Store()

    with pytest.raises(ItemLost, match="damaged"):
        copied(store, card, tmp_path / "a")
    assert store.asked == []


def test_a_card_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is lost with a reason."""
    monkeypatch.setattr(module, "MAX_CARD_BYTES", 3)

    with pytest.raises(ItemLost, match="more than the 3 bytes that a card may have"):
        copied(
            Store(**{f"{FOLDER}/default-{UUID}.html": b"1234"}),
            Card("default", None, UUID),
            tmp_path / "a",
        )
