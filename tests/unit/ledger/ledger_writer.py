"""Rounds in which a process writes to a ledger until it is killed; prints the result of each.

    python -m tests.unit.ledger.ledger_writer LEDGER ROUNDS

The result of a round is a line of JSON: the number of entries that the killed process had
acknowledged, how many entries of all rounds are missing, and the result of SQLite's check.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mfwb.ledger import SqliteLedger
from mfwb.ports import Entry
from tests.unit.ledger.entries import ENTRY

_LONGEST = 0.1  # seconds


def main(path: Path, rounds: int) -> None:
    """Run all rounds."""
    moments = random.Random(7)  # noqa: S311 - not for secrets
    acknowledged: set[str] = set()
    for number in range(rounds):
        from_start = (
            number % 2 == 0
        )  # the first time, this may interrupt the creation of the ledger
        written = _write_until_killed(
            moments.uniform(0, _LONGEST), path, number, from_start=from_start
        )
        acknowledged.update(written)
        with SqliteLedger.open(path) as ledger:
            stored = {entry.flow_run for entry in ledger.entries() if _is_whole(entry, ledger)}
        with closing(sqlite3.connect(path)) as file:
            [check] = file.execute("PRAGMA integrity_check").fetchall()
        result = {
            "acknowledged": len(written),
            "missing": len(acknowledged - stored),
            "check": check[0],
        }
        print(json.dumps(result), flush=True)  # noqa: T201 - it is what the test reads


def _is_whole(entry: Entry, ledger: SqliteLedger) -> bool:
    stored = ledger.entry(entry.flow_run, entry.provider, entry.destination)
    return stored == replace(ENTRY, flow_run=entry.flow_run, at=entry.at)


def _write_until_killed(seconds: float, path: Path, number: int, *, from_start: bool) -> list[str]:
    """Return the entries that a process acknowledged until it was killed.

    The time counts from its start, or from its first entry.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _write_forever(path, number, theirs)
    os.close(theirs)
    first = b"" if from_start else os.read(ours, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(ours, "rb") as rest:  # noqa: PTH123 - a descriptor
        return (first + rest.read()).decode().split()


def _write_forever(path: Path, number: int, to: int) -> None:
    with SqliteLedger.open(path) as ledger:
        for position in range(1_000_000):
            name = f"Flow/{number}-{position}"
            ledger.write(replace(ENTRY, flow_run=name))
            os.write(to, f"{name}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
