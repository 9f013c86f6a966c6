"""Tests of the sync status that is read from a ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfwb.errors import LedgerDamaged
from mfwb.ledger import SqliteLedger, StatusFilter, read_sync_status
from mfwb.ports import SyncState
from mfwb.sync_status import SyncStatus
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER


def status(
    path: Path,
    *pathspecs: str,
    entity: str | None = None,
    project: str | None = None,
    since: int | None = None,
    **listed: Any,
) -> SyncStatus:
    """Return the sync status of some flow runs."""
    selected = StatusFilter(pathspecs, entity=entity, project=project, since=since)
    return read_sync_status(path, selected, **listed)


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
    assert status(path, project="none").has_others
    assert not status(path, "Flow").has_others
    assert [flow.destination.entity for flow in status(path, entity="else").flows] == ["else"]
    assert [flow.destination.project for flow in status(path, project="beers").flows] == ["beers"]
    assert len(status(path, "Flow", "Other", entity="acme", project="wines").flows) == 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a ledger with a flow run of each sync state, the first of them with losses."""
    path = tmp_path / "ledger.sqlite"
    with SqliteLedger.open(path) as ledger:
        for number, state in enumerate(SyncState):
            outcome = OUTCOME if state is SyncState.SYNCED else None
            ledger.write(
                replace(
                    ENTRY,
                    flow_run=f"Flow/{number}",
                    sync_state=state,
                    started_at=1_000 * (number + 1),
                    outcome=outcome,
                )
            )
    return path


def listed(found: SyncStatus) -> list[str]:
    """Return the listed flow runs."""
    return [run.entry.flow_run for run in found.flow_runs]


def test_order_and_limit(path: Path) -> None:
    """Failed flow runs come first, then open ones, then the others; the rest is counted."""
    states = [run.entry.sync_state for run in status(path).flow_runs]

    assert states[0] is SyncState.FAILED
    assert {*states[1:4]} == {SyncState.BEGUN, SyncState.RUNNING, SyncState.INCOMPLETE}
    assert {*states[4:]} == {SyncState.SYNCED, SyncState.LEFT_OUT}
    few = status(path, limit=2)
    assert (len(few.flow_runs), few.more, len(few.open)) == (2, 4, 4)
    assert few.flows == status(path).flows


def test_what_is_listed(path: Path) -> None:
    """Single flow runs, a start, failures and losses can be selected."""
    assert listed(status(path, "Flow/1")) == ["Flow/1"]
    assert listed(status(path, "Flow/1", "Other")) == ["Flow/1"]
    assert listed(status(path, since=5_000)) == ["Flow/5", "Flow/4"]
    assert listed(status(path, failed=True)) == ["Flow/2"]
    assert [(run.entry.flow_run, run.lost) for run in status(path, lossy=True).flow_runs] == [
        ("Flow/4", 2)
    ]
    assert listed(status(path, failed=True, lossy=True)) == []
    assert status(path, failed=True, lossy=True).flows == status(path).flows


def test_start_that_is_not_known(path: Path) -> None:
    """Then the time of the last sync counts."""
    with SqliteLedger.open(path) as ledger:
        ledger.write(replace(ENTRY, flow_run="Flow/new", started_at=0))

    assert listed(status(path, since=1_600_000_000_000)) == ["Flow/new"]
    assert listed(status(path, since=99_000_000_000_000)) == []


@pytest.mark.parametrize(
    "change",
    [
        "standing = 'odd'",
        "flow_run = 'Flow'",
        "flow_run = '/5'",
        "at = 'yesterday'",
        "lost = 'many'",
        "started_at = 'once'",
        "project = x'00'",
    ],
)
def test_rows_that_mfwb_did_not_write(path: Path, change: str) -> None:
    """One such row is enough for a ledger to count as damaged, also if it is not listed."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"UPDATE flow_runs SET {change} WHERE flow_run = 'Flow/5'")  # noqa: S608 - constants

    with pytest.raises(LedgerDamaged, match="a row that mfwb did not write"):
        status(path, limit=1, failed=True)


def test_outcomes_that_can_not_be_read(path: Path) -> None:
    """They have no losses, as of an outcome of a later version."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE outcomes SET outcome = '{}'")

    assert status(path).losses == ()
