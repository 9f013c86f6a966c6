"""Tests of the sync status that is read from a ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfwb.ledger import SqliteLedger, read_sync_status
from mfwb.sync_status import SyncStatus
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER


def status(
    path: Path, *flows: str, entity: str | None = None, project: str | None = None
) -> SyncStatus:
    """Return the sync status of some flows."""
    return read_sync_status(path, flows=flows, entity=entity, project=project)


def test_no_ledger(tmp_path: Path) -> None:
    """If there is no ledger, neither a ledger nor its folder is created."""
    path = tmp_path / "state" / "ledger.sqlite"

    assert status(path) == SyncStatus(str(path), (), (), ())
    assert list(tmp_path.iterdir()) == []


def test_only_selected_flow_runs(tmp_path: Path) -> None:
    """Flows, entity and project select flow runs, and only the losses of these."""
    path = tmp_path / "ledger.sqlite"
    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
        ledger.write(replace(ENTRY, flow_run="Other/1", outcome=None))
        ledger.write(replace(ENTRY, destination=replace(SERVER, entity="else")))
        ledger.write(replace(ENTRY, destination=replace(SERVER, project="beers")))

    assert len(status(path).flows) == 4
    assert status(path).losses == OUTCOME.all_losses * 3
    assert [flow.flow for flow in status(path, "Other").flows] == ["Other"]
    assert status(path, "Other").losses == ()
    assert status(path, "None").flows == ()
    assert [flow.destination.entity for flow in status(path, entity="else").flows] == ["else"]
    assert [flow.destination.project for flow in status(path, project="beers").flows] == ["beers"]
    assert len(status(path, "Flow", "Other", entity="acme", project="wines").flows) == 2
