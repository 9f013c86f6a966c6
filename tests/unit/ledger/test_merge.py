"""Ledgers that become one: whatever the order, and however often."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.ledger import SqliteLedger, copy_entries, merge_ledgers
from mfwb.ledger.merge import merge_rows
from mfwb.ledger.rows import LedgerRow
from mfwb.outcome import outcome_to_json
from mfwb.ports import Destination, SyncState
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER

_TIMES = [f"2026-11-01T00:00:0{second}Z" for second in range(3)]


def _row(  # noqa: PLR0913, PLR0917 - the columns that a merge heeds
    number: int, provider: str, standing: str, at: str, digest: str, outcome: str | None
) -> LedgerRow:
    destination = ("online", SERVER.base, "acme", "wines")
    values = (f"F/{number}", provider, *destination, standing, "", 0, "", "", digest, "", at, 0)
    return LedgerRow(values, outcome)


_ROWS = st.builds(
    _row,
    st.integers(1, 2),
    st.sampled_from(["", "local@/a", "local@/b"]),
    st.sampled_from([sync_state.value for sync_state in SyncState]),
    st.sampled_from(_TIMES),
    st.sampled_from(["", "d1", "d2"]),
    st.sampled_from([None, outcome_to_json(OUTCOME)]),
)


def _folded(*parts: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Return what stays if the rows of these ledgers come one after the other."""
    stored: dict[tuple[str, ...], list[LedgerRow]] = {}
    for row in (row for part in parts for row in part):
        stored[row.key] = list(merge_rows([*stored.get(row.key, []), row]))
    return sorted((row for rows in stored.values() for row in rows), key=repr)


def _merged(*parts: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Return what a new ledger has after ledgers with these rows were merged into it."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "target.sqlite"
        sources = [Path(folder) / f"{number}.sqlite" for number in range(len(parts))]
        for source, rows in zip(sources, parts, strict=True):
            with SqliteLedger.open(source) as ledger:
                ledger.merge(rows, [], merge_rows)
        merge_ledgers(target, sources)
        return _rows_of(target)


def _rows_of(path: Path) -> list[LedgerRow]:
    with SqliteLedger.open_read_only(path) as ledger:
        return sorted(ledger.rows(), key=repr)


@given(st.lists(st.lists(_ROWS, max_size=3), min_size=1, max_size=3))
def test_the_order_does_not_matter(parts: list[list[LedgerRow]]) -> None:
    """Nor how rows are spread over ledgers, nor whether one is merged twice."""
    expected = _folded([row for part in parts for row in part])

    for order in permutations(parts):
        assert _folded(*order) == expected
    assert _folded(*parts, *parts) == expected
    assert _folded(expected, *parts) == expected


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(_ROWS, max_size=3), min_size=1, max_size=3))
def test_ledgers_are_merged_by_that_rule(parts: list[list[LedgerRow]]) -> None:
    """On real files it comes to the same."""
    assert _merged(*parts) == _folded(*parts)


@given(st.lists(_ROWS, max_size=6))
def test_no_flow_run_is_lost_or_doubled(rows: list[LedgerRow]) -> None:
    """Each has one row for each provider, and the newest of those it had."""
    merged = _folded(rows)

    keys = [(row.key, row.provider) for row in merged]
    assert len(set(keys)) == len(keys)
    assert {row.key for row in merged} == {row.key for row in rows}
    for row in merged:
        same = [one.at for one in rows if (one.key, one.provider) == (row.key, row.provider)]
        assert row.at == max(same)
    assert set(merged) <= set(rows)


def test_of_one_second_the_one_that_is_further_on_stays() -> None:
    """A sync that began and ended within a second is synced."""
    begun = _row(1, "p", "begun", _TIMES[0], "", None)
    synced = _row(1, "p", "synced", _TIMES[0], "d", None)

    assert list(merge_rows([begun, synced])) == [synced]
    assert list(merge_rows([synced, replace(begun, values=_later(begun))])) != [synced]


def _later(row: LedgerRow) -> tuple[object, ...]:
    values = list(row.values)
    values[13] = _TIMES[1]
    return tuple(values)


def test_entries_come_over_as_they_were(tmp_path: Path) -> None:
    """With outcome and time; of a ledger that is not there, nothing does."""
    source, target = tmp_path / "s" / "l.sqlite", tmp_path / "t" / "l.sqlite"
    with SqliteLedger.open(source) as ledger:
        ledger.write(ENTRY)
        written = ledger.entry(ENTRY.flow_run, ENTRY.provider, ENTRY.destination)

    merge_ledgers(target, [source, tmp_path / "none.sqlite"])

    with SqliteLedger.open(target) as ledger:
        assert ledger.entry(ENTRY.flow_run, ENTRY.provider, ENTRY.destination) == written
    assert not (tmp_path / "none.sqlite").exists()


def test_what_was_deleted_stays_known(tmp_path: Path) -> None:
    """All ids of both ledgers are in the merged one."""
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    for path, wandb_run in ((source, "a"), (target, "b")):
        with SqliteLedger.open(path) as ledger:
            ledger.write(ENTRY)
            ledger.begin_deletion(ENTRY, [wandb_run])

    merge_ledgers(target, [source, source])

    with SqliteLedger.open(target) as ledger:
        assert ledger.forgotten(ENTRY.destination) == {"a", "b"}


def test_some_entries_are_copied(tmp_path: Path) -> None:
    """Those of the given flow runs, at all destinations; the id of a ledger is its own."""
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    elsewhere = Destination("online", SERVER.base, "acme", "other")
    with SqliteLedger.open(source) as ledger:
        own = ledger.id
        for entry in (ENTRY, replace(ENTRY, destination=elsewhere), replace(ENTRY, flow_run="F/9")):
            ledger.write(entry)

    copy_entries(target, source, {ENTRY.flow_run})
    copy_entries(target, tmp_path / "none.sqlite", {ENTRY.flow_run})

    assert {row.flow_run for row in _rows_of(target)} == {ENTRY.flow_run}
    assert len(_rows_of(target)) == 2
    with SqliteLedger.open(target) as ledger:
        assert ledger.id != own


def test_the_merged_file_is_a_ledger_of_mfwb(tmp_path: Path) -> None:
    """It has the tables and no journal, so that it can be opened again."""
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    with SqliteLedger.open(source) as ledger:
        ledger.write(ENTRY)

    merge_ledgers(target, [source])

    assert sorted(file.name for file in tmp_path.iterdir()) == ["source.sqlite", "target.sqlite"]
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
