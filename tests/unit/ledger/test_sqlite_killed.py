"""Processes that are killed during a write."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from mfwb.ledger import SqliteLedger
from tests.unit.ledger.entries import ENTRY

ROUNDS = 20


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Whenever a writer is killed, the ledger is sound and has all acknowledged entries."""
    path = tmp_path / "ledger.sqlite"
    command = [sys.executable, "-m", "tests.unit.ledger.ledger_writer", str(path), str(ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(rounds) == ROUNDS
    assert all(result["acknowledged"] >= 1 for result in rounds[1::2])
    assert [result["missing"] for result in rounds] == [0] * ROUNDS
    assert {result["check"] for result in rounds} == {"ok"}


IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from mfwb.ledger import SqliteLedger

with SqliteLedger.open(Path(sys.argv[1])) as ledger:
    connection = ledger._connection
    connection.execute("PRAGMA cache_size = 1")  # so that pages are written to the file early
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM outcomes")
    connection.execute("UPDATE flow_runs SET digest = hex(randomblob(3000))")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_with_a_part_in_the_file(tmp_path: Path) -> None:
    """The next process rolls back an unfinished transaction."""
    path = tmp_path / "ledger.sqlite"
    entries = [replace(ENTRY, flow_run=f"Flow/{number}") for number in range(50)]
    with SqliteLedger.open(path) as ledger:
        for entry in entries:
            ledger.write(entry)
    before = path.read_bytes()
    subprocess.run([sys.executable, "-c", IN_THE_MIDDLE, str(path)], check=False)

    assert path.read_bytes() != before
    assert path.with_name("ledger.sqlite-journal").exists()
    with SqliteLedger.open(path) as ledger:
        stored = [
            ledger.entry(entry.flow_run, entry.provider, entry.destination) for entry in entries
        ]
        assert [entry and replace(entry, at="") for entry in stored] == entries
    assert path.read_bytes() == before
