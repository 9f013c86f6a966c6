"""What a ledger says of how things stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfwb.ledger import SqliteLedger, standings_in
from mfwb.sync_status import SyncStatus
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER


def told(
    path: Path, *flows: str, entity: str | None = None, project: str | None = None
) -> SyncStatus:
    """Return what is told of some flows."""
    return standings_in(path, flows=flows, entity=entity, project=project)


def test_no_ledger(tmp_path: Path) -> None:
    """Where there is no ledger, there is none afterwards, nor a folder for it."""
    path = tmp_path / "state" / "ledger.sqlite"

    assert told(path) == SyncStatus(str(path), (), (), ())
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_of_interest(tmp_path: Path) -> None:
    """Flows, entity and project leave out the others, and what was lost of them."""
    path = tmp_path / "ledger.sqlite"
    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
        ledger.write(replace(ENTRY, flow_run="Other/1", outcome=None))
        ledger.write(replace(ENTRY, destination=replace(SERVER, entity="else")))
        ledger.write(replace(ENTRY, destination=replace(SERVER, project="beers")))

    assert len(told(path).flows) == 4
    assert told(path).losses == OUTCOME.all_losses * 3
    assert [one.flow for one in told(path, "Other").flows] == ["Other"]
    assert told(path, "Other").losses == ()
    assert told(path, "None").flows == ()
    assert [one.destination.entity for one in told(path, entity="else").flows] == ["else"]
    assert [one.destination.project for one in told(path, project="beers").flows] == ["beers"]
    assert len(told(path, "Flow", "Other", entity="acme", project="wines").flows) == 2
