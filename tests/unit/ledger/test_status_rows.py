"""The SQL of a sync status."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mfwb.ledger import SqliteLedger
from mfwb.ledger.status_rows import LIST_ORDER, StatusFilter, where


def test_one_flow_is_found_by_an_index(tmp_path: Path) -> None:
    """Of a large ledger only the rows of the flow are read."""
    path = tmp_path / "ledger.sqlite"
    with SqliteLedger.open(path):
        pass
    condition, values = where(StatusFilter(["Flow", "Other/7"]), lossy=True)
    query = f"EXPLAIN QUERY PLAN SELECT * FROM flow_runs {condition} {LIST_ORDER}"  # noqa: S608 - constants
    with closing(sqlite3.connect(path)) as file:
        plan = [row[-1] for row in file.execute(query, values)]

    assert any("SEARCH" in line and "flow_run>?" in line for line in plan), plan
    assert not any(line.startswith("SCAN") for line in plan), plan
