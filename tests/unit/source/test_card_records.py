"""Card records of a task: the cards of its last attempt, each once."""

from __future__ import annotations

import json

import pytest

from mfwb.snapshot import Card, Loss
from mfwb.source.attempts import Record
from mfwb.source.card_records import CardKind, to_cards
from mfwb.source.graph import to_graph

PLAIN: CardKind = ("blank", None)


def recorded(uuid: str, at: int, *, kind: str = "blank", name: str | None = None) -> Record:
    """Return Metaflow's record of a card."""
    value = json.dumps({"type": kind, "id": name, "card_uuid": uuid})
    return Record(uuid, value, "card-info", at)


def of(*records: Record, since: int = 0, **declared: int) -> list[Card | Loss]:
    """Return the cards; `declared` are how many the step has of type `blank`, by id."""
    kinds = {("blank", None if name == "plain" else name): n for name, n in declared.items()}
    return list(to_cards("F/1/s/2", records, kinds, since=since))


def test_one_of_an_earlier_attempt_that_came_late() -> None:
    """The process that renders a card may outlive its attempt by the start of the next one."""
    records = [
        recorded("d", 25),
        recorded("c", 29, name="details"),
        recorded("a", 22),
        recorded("b", 21, name="details"),
        recorded("z", 19),
    ]

    assert of(*records, since=20, plain=1, details=1) == [
        Card("blank", None, "d"),
        Card("blank", "details", "c"),
    ]


def test_several_of_one_kind() -> None:
    """The number of decorators limits the cards of a kind; cards of other kinds all count."""
    records = [recorded(uuid, at) for at, uuid in enumerate("cadb")]

    assert [item.uuid for item in of(*records, plain=2) if isinstance(item, Card)] == ["d", "b"]
    assert len(of(*records)) == 4
    assert len(of(*records, details=1)) == 4


def test_one_that_is_recorded_often() -> None:
    """Two equal records are one card."""
    assert of(recorded("a", 1), recorded("b", 2), recorded("a", 3)) == [
        Card("blank", None, "a"),
        Card("blank", None, "b"),
    ]


def test_more_than_a_task_has() -> None:
    """A task has a hundred cards, and a loss for all others."""
    result = of(*(recorded(f"c{n:03}", n) for n in range(1000)))

    assert len(result) == 101
    assert result[-1] == Loss("F/1/s/2 card", "the task has more than 100 cards")


def test_what_the_graph_declares() -> None:
    """Metaflow writes None as text, and ignores invalid ids."""
    attributes = [
        {"type": "blank", "id": "None"},
        {"type": "blank", "id": "of dots..."},
        {"type": "blank", "id": "details"},
        {"type": 5},
    ]
    decorators = [{"name": "card", "attributes": attribute} for attribute in attributes]
    graph = to_graph({"steps": {"start": {"next": [], "decorators": decorators}}})

    assert graph.cards["start"] == {PLAIN: 2, ("blank", "details"): 1}


@pytest.mark.parametrize("version", ["2.9.0", "2.15.21.1+ob(v1)", "1.99"])
def test_an_old_metaflow_recorded_none(version: str) -> None:
    """A step that makes cards has lost them; one that makes none has lost nothing."""
    record = Record("metaflow_version", version, "metaflow_version", 1)

    [loss] = of(record, plain=1)
    assert isinstance(loss, Loss)
    assert loss.item == "F/1/s/2 card"
    assert of(record) == []
    assert of(record, recorded("a", 2), plain=1) == [Card("blank", None, "a")]


@pytest.mark.parametrize("version", ["2.16.0", "2.19.39", "3.0", "unknown", "2", "\u0662.1"])
def test_a_newer_one_has_rendered_none(version: str) -> None:
    """Without a record there is no card: rendering it failed, which Metaflow does not record."""
    assert of(Record("metaflow_version", version, "metaflow_version", 1), plain=1) == []
