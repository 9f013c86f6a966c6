"""Copies of a flow run in a ledger: as if they had been synced with the origin."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

__all__ = ["add_to_ledger"]


def add_to_ledger(ledger: Path, pathspec: str, copies: Iterable[str]) -> None:
    """Give copies the entry of their origin, with their own names in it.

    Args:
        ledger: its file, which nobody uses meanwhile.
        pathspec: of the origin, which was synced to one destination.
        copies: pathspecs of its copies.
    """
    origin = pathspec.partition("/")[2]
    with closing(sqlite3.connect(ledger)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(flow_runs)")]
        [entry] = connection.execute("SELECT * FROM flow_runs WHERE flow_run = ?", (pathspec,))
        values = dict(zip(names, entry, strict=True))
        [(outcome,)] = connection.execute(
            "SELECT outcome FROM outcomes WHERE id = ?", (values["id"],)
        )
        [(last,)] = connection.execute("SELECT max(id) FROM flow_runs")
        marks = ", ".join("?" * len(names))
        for number, copy in enumerate(copies, start=last + 1):
            name = copy.partition("/")[2]
            changed = {"id": number, "flow_run": copy, "started_at": int(name) // 1000}
            connection.execute(
                f"INSERT INTO flow_runs VALUES ({marks})",  # noqa: S608 - question marks
                tuple({**values, **changed}.values()),
            )
            connection.execute(
                "INSERT INTO outcomes VALUES (?, ?)", (number, outcome.replace(origin, name))
            )
