"""The ledger, on a real file."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.errors import LockHeld, UsageError
from mfwb.ledger import SqliteLedger, ledger_path
from mfwb.ledger.sqlite import _prepare
from mfwb.outcome import FlowRunOutcome, ItemCounts, OutputOutcome, Status, WandbRunOutcome
from mfwb.planning import Plan
from mfwb.ports import Destination
from mfwb.snapshot import Loss

PLAN = Plan("Flow/1", {"provider": "local@/data"}, "acme", "wines", "Flow/1", ())
CHANGED = replace(PLAN, losses=(Loss("x", "gone"),))
OTHER = replace(PLAN, flow_run="Flow/2")
SERVER = Destination("online", "https://wandb.example", "acme", "wines")
OUTCOME = FlowRunOutcome(
    "Flow/1",
    Status.SYNCED,
    group="Flow/1",
    wandb_runs=(
        WandbRunOutcome(
            "id", "Flow/1/start", "start", "finished",
            outputs=(OutputOutcome("x", "dataset", "d", 1, ("x.parquet",), version="v0"),),
            items=ItemCounts(total=1, written=1),
        ),
    ),
    losses=(Loss("ü", "gone"),),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger will be, in a folder that is not there yet."""
    return tmp_path / "new" / "folder" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """Return a ledger that is open."""
    with SqliteLedger.open(path) as opened:
        yield opened


def test_nothing_known(ledger: SqliteLedger) -> None:
    """A new ledger knows nothing, and forgets it, too."""
    ledger.forget(SERVER, PLAN)

    assert ledger.outcome(SERVER, PLAN) is None
    assert list(ledger.outcomes()) == []


def test_remembered_by_the_next_process(path: Path) -> None:
    """What was recorded comes back as it was, also after the file was closed."""
    with SqliteLedger.open(path) as first:
        first.record(SERVER, PLAN, OUTCOME)

    with SqliteLedger.open(path) as second:
        assert second.outcome(SERVER, PLAN) == OUTCOME


def test_forgotten(ledger: SqliteLedger) -> None:
    """What is about to be written again is no longer known as done; the rest is."""
    ledger.record(SERVER, PLAN, OUTCOME)
    ledger.record(SERVER, OTHER, replace(OUTCOME, pathspec="Flow/2"))
    ledger.forget(SERVER, PLAN)

    assert ledger.outcome(SERVER, PLAN) is None
    assert [one.pathspec for one in ledger.outcomes()] == ["Flow/2"]


def test_forgotten_whatever_the_plan(ledger: SqliteLedger) -> None:
    """An older plan of the flow run is forgotten with it."""
    ledger.record(SERVER, PLAN, OUTCOME)
    ledger.forget(SERVER, CHANGED)

    assert ledger.outcome(SERVER, PLAN) is None


def test_another_plan(ledger: SqliteLedger) -> None:
    """A flow run that would be written otherwise now is not done."""
    ledger.record(SERVER, PLAN, OUTCOME)

    assert ledger.outcome(SERVER, CHANGED) is None
    assert ledger.outcome(SERVER, OTHER) is None


def test_latest_word(ledger: SqliteLedger) -> None:
    """A flow run has one entry: the last."""
    ledger.record(SERVER, PLAN, OUTCOME)
    ledger.record(SERVER, CHANGED, replace(OUTCOME, group="new"))

    assert ledger.outcome(SERVER, PLAN) is None
    assert [one.group for one in ledger.outcomes()] == ["new"]


@pytest.mark.parametrize(
    ("destination", "plan"),
    [
        (replace(SERVER, base="https://api.wandb.ai"), PLAN),
        (replace(SERVER, entity="else"), PLAN),
        (replace(SERVER, entity=None), PLAN),
        (SERVER, replace(PLAN, project="else")),
        (Destination("offline", "/bundle", "acme", "wines"), PLAN),
    ],
)
def test_other_destinations(ledger: SqliteLedger, destination: Destination, plan: Plan) -> None:
    """Done here is not done there."""
    ledger.record(SERVER, PLAN, OUTCOME)
    ledger.forget(destination, plan)

    assert ledger.outcome(destination, plan) is None
    assert ledger.outcome(SERVER, PLAN) == OUTCOME


def test_bundle_that_was_moved(ledger: SqliteLedger) -> None:
    """A bundle takes its ledger along, so its path does not matter."""
    ledger.record(Destination("offline", "/old", None, "wines"), PLAN, OUTCOME)

    assert ledger.outcome(Destination("offline", "/new", None, "wines"), PLAN) == OUTCOME


def test_all_outcomes(ledger: SqliteLedger) -> None:
    """All that was recorded is listed by flow run."""
    ledger.record(SERVER, OTHER, replace(OUTCOME, pathspec="Flow/2"))
    ledger.record(SERVER, PLAN, OUTCOME)
    ledger.record(replace(SERVER, entity="else"), PLAN, OUTCOME)

    assert [one.pathspec for one in ledger.outcomes()] == ["Flow/1", "Flow/1", "Flow/2"]


def test_threads(ledger: SqliteLedger) -> None:
    """Several threads may use one ledger."""

    def work(number: int) -> None:
        plan = replace(PLAN, flow_run=f"Flow/{number}")
        ledger.record(SERVER, plan, replace(OUTCOME, pathspec=plan.flow_run))
        assert ledger.outcome(SERVER, plan) is not None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(list(ledger.outcomes())) == 8


SCRIPT = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from mfwb.ledger import SqliteLedger
from tests.unit.ledger.test_sqlite import OUTCOME, PLAN, SERVER

with SqliteLedger.open(Path(sys.argv[1])) as ledger:
    print("open", flush=True)
    for number in range(int(sys.argv[2])):
        plan = replace(PLAN, flow_run=f"Flow/{os.getpid()}-{number}")
        ledger.record(SERVER, plan, replace(OUTCOME, pathspec=plan.flow_run))
    if sys.argv[3:]:
        ledger._connection.execute("BEGIN IMMEDIATE")
        ledger._connection.execute("DELETE FROM done")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def start(path: Path, number: int, *extra: str) -> subprocess.Popen[str]:
    """Start a process that records so many flow runs."""
    command = [sys.executable, "-c", SCRIPT, str(path), str(number), *extra]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes(path: Path) -> None:
    """Two processes that write at once both have their say."""
    both = [start(path, 25), start(path, 25)]
    for one in both:
        one.communicate()

    assert [one.returncode for one in both] == [0, 0]
    with SqliteLedger.open(path) as ledger:
        assert len({one.pathspec for one in ledger.outcomes()}) == 50


def test_killed_in_the_middle(path: Path) -> None:
    """A process that is killed while it writes leaves all that was done before, and no lock."""
    killed = start(path, 3, "then die")
    killed.communicate()

    assert killed.returncode == -signal.SIGKILL
    with SqliteLedger.open(path) as ledger:
        assert len(list(ledger.outcomes())) == 3
        ledger.record(SERVER, PLAN, OUTCOME)
        assert ledger.outcome(SERVER, PLAN) == OUTCOME


# --- files that are no ledgers --------------------------------------------------------------


def refusal(path: Path) -> str:
    """Return what is said about a ledger that can't be used, without its path."""
    with pytest.raises(UsageError) as caught, SqliteLedger.open(path):
        pass
    return str(caught.value).replace(str(path), "PATH")


def test_newer_schema(path: Path) -> None:
    """A ledger of a newer mfwb is left alone."""
    with SqliteLedger.open(path) as ledger:
        ledger.record(SERVER, PLAN, OUTCOME)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 2")
    before = path.read_bytes()

    assert refusal(path) == (
        "the ledger PATH was written by a newer mfwb (schema 2, this one knows 1); upgrade mfwb"
    )
    assert path.read_bytes() == before


def test_garbage(tmp_path: Path) -> None:
    """A file that is no ledger is named, and left as it is."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, " * 100)

    assert refusal(path) == "PATH is no ledger of mfwb: file is not a database; move it away"
    assert path.read_bytes() == b"not a database, " * 100


def test_folder_for_a_file(tmp_path: Path) -> None:
    """A folder is no ledger."""
    assert refusal(tmp_path) == "the ledger PATH can't be opened: unable to open database file"


def test_file_for_a_folder(tmp_path: Path) -> None:
    """A ledger can't lie in a file."""
    (tmp_path / "file").write_text("x", encoding="utf-8")

    assert refusal(tmp_path / "file" / "ledger.sqlite").startswith(
        "the ledger PATH can't be opened"
    )


def test_database_of_others(tmp_path: Path) -> None:
    """A database in which there is no room for a ledger is named, with what is in the way."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE x (y)")
        theirs.execute("CREATE INDEX done ON x (y)")

    assert refusal(path) == ("the ledger PATH can't be used: there is already an index named done")


def test_empty_file(tmp_path: Path) -> None:
    """An empty file becomes a ledger: it may be all that a killed process made."""
    path = tmp_path / "ledger.sqlite"
    path.touch()

    with SqliteLedger.open(path) as ledger:
        assert list(ledger.outcomes()) == []


def test_locked(path: Path) -> None:
    """A ledger that another process keeps locked is said to be so."""
    with SqliteLedger.open(path):
        pass
    with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path, timeout=0)) as ours:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockHeld) as caught:
            _prepare(ours, path)  # what `open` does, but without its patience

    assert str(caught.value) == f"another process keeps the ledger {path} locked"


# --- where ledgers lie ----------------------------------------------------------------------


def test_ledger_of_a_bundle() -> None:
    """A bundle carries its own ledger."""
    assert ledger_path(Path("/bundle")) == Path("/bundle/ledger.sqlite")


def test_ledger_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """All servers share the user's, which lies where the user wants it."""
    monkeypatch.setenv("MFWB_STATE_DIR", "/state")
    assert ledger_path(None) == Path("/state/ledger.sqlite")

    monkeypatch.delenv("MFWB_STATE_DIR")
    assert ledger_path(None).parts[-2:] == ("mfwb", "ledger.sqlite")
