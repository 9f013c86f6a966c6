"""Processes that end in the middle of a write."""

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
    """Whenever a writer is killed, the ledger is sound and has all that was acknowledged."""
    path = tmp_path / "ledger.sqlite"
    command = [sys.executable, "-m", "tests.unit.ledger.writing", str(path), str(ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(rounds) == ROUNDS
    assert all(one["acknowledged"] >= 1 for one in rounds[1::2])
    assert [one["missing"] for one in rounds] == [0] * ROUNDS
    assert {one["check"] for one in rounds} == {"ok"}


IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from mfwb.ledger import SqliteLedger

with SqliteLedger.open(Path(sys.argv[1])) as ledger:
    connection = ledger._connection
    connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the end
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM outcomes")
    connection.execute("UPDATE flow_runs SET digest = hex(randomblob(3000))")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_with_half_of_it_in_the_file(tmp_path: Path) -> None:
    """What was written of an unfinished transaction is taken back by the next process."""
    path = tmp_path / "ledger.sqlite"
    entries = [replace(ENTRY, flow_run=f"Flow/{number}") for number in range(50)]
    with SqliteLedger.open(path) as ledger:
        for one in entries:
            ledger.write(one)
    before = path.read_bytes()
    subprocess.run([sys.executable, "-c", IN_THE_MIDDLE, str(path)], check=False)

    assert path.read_bytes() != before
    assert path.with_name("ledger.sqlite-journal").exists()
    with SqliteLedger.open(path) as ledger:
        found = [ledger.entry(one.flow_run, one.provider, one.destination) for one in entries]
        assert [one and replace(one, at="") for one in found] == entries
    assert path.read_bytes() == before
