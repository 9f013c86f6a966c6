"""Writes into a ledger until it is killed, again and again; says what was found each time.

    python -m tests.unit.ledger.writing LEDGER ROUNDS

Each round is a line of JSON: how many entries the killed process had acknowledged, how many of all
that ever were are missing, and what SQLite says of the file.
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
    """Do all rounds."""
    moments = random.Random(7)  # noqa: S311 - not for secrets
    acknowledged: set[str] = set()
    for number in range(rounds):
        from_start = number % 2 == 0  # which may cut short the making of the ledger, the first time
        told = _killed_after(moments.uniform(0, _LONGEST), path, number, from_start=from_start)
        acknowledged.update(told)
        with SqliteLedger.open(path) as ledger:
            there = {one.flow_run for one in ledger.entries() if _is_whole(one, ledger)}
        with closing(sqlite3.connect(path)) as file:
            [said] = file.execute("PRAGMA integrity_check").fetchall()
        found = {"acknowledged": len(told), "missing": len(acknowledged - there), "check": said[0]}
        print(json.dumps(found), flush=True)  # noqa: T201 - it is what the test reads


def _is_whole(entry: Entry, ledger: SqliteLedger) -> bool:
    found = ledger.entry(entry.flow_run, entry.provider, entry.destination)
    return found == replace(ENTRY, flow_run=entry.flow_run, at=entry.at)


def _killed_after(seconds: float, path: Path, number: int, *, from_start: bool) -> list[str]:
    """Return what a process acknowledged until it was killed.

    That is so long after it began, or after its first entry.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _write_forever(path, number, theirs)
    os.close(theirs)
    told = b"" if from_start else os.read(ours, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(ours, "rb") as rest:  # noqa: PTH123 - a descriptor
        return (told + rest.read()).decode().split()


def _write_forever(path: Path, number: int, to: int) -> None:
    with SqliteLedger.open(path) as ledger:
        for position in range(1_000_000):
            name = f"Flow/{number}-{position}"
            ledger.write(replace(ENTRY, flow_run=name))
            os.write(to, f"{name}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
