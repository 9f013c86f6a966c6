"""Locks of entities and projects, with real processes."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mfwb.errors import LockHeld, UsageError
from mfwb.ledger import SqliteLedger
from mfwb.ledger.locks import hold_locks
from mfwb.ports import Destination

WINES = Destination("online", "https://wandb.example", "acme", "wines")
BEERS = Destination("online", "https://wandb.example", "acme", "beers")

Process = subprocess.Popen[str]


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Return what starts a process that holds locks."""
    with ExitStack() as stack:

        def begin(*arguments: str) -> Process:
            command = [sys.executable, "-m", "tests.unit.ledger.lock_holder", *arguments]
            started = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.enter_context(started)
            stack.callback(started.kill)
            return started

        yield begin


def said(process: Process) -> str:
    """Return the next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def files(folder: Path) -> list[str]:
    """Return the files beside each other, without the part of their names that is a digest."""
    return sorted(re.sub(r"-[0-9a-f]{12}", "", path.name) for path in folder.iterdir())


def refusal(folder: Path, *destinations: Destination, wait: float = 0) -> str:
    """Return what is said if others are at work."""
    with pytest.raises(LockHeld) as caught, hold_locks(folder, destinations, wait=wait):
        pass
    return str(caught.value)


def test_owner_is_named_while_it_works(tmp_path: Path) -> None:
    """A file beside the lock describes the owner; afterwards only the lock file is left."""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    with hold_locks(tmp_path, [WINES], wait=0):
        assert files(tmp_path) == ["acme_wines.json", "acme_wines.lock"]
        [owner] = tmp_path.glob("*.json")
        shown = json.loads(owner.read_text(encoding="utf-8"))

    assert files(tmp_path) == ["acme_wines.lock"]
    assert (shown["pid"], shown["host"]) == (os.getpid(), socket.gethostname())
    assert before <= datetime.fromisoformat(shown["since"]) <= datetime.now(timezone.utc)
    assert shown["since"].endswith("+00:00")
    assert shown["command"].startswith(Path(sys.argv[0]).name)


def test_refused_while_another_one_works(tmp_path: Path) -> None:
    """Who comes second is told who was first, since when, and what to do. Also in a thread."""
    with hold_locks(tmp_path, [WINES], wait=0):
        [owner] = tmp_path.glob("*.json")
        shown = json.loads(owner.read_text(encoding="utf-8"))
        earlier = datetime.fromisoformat(shown["since"]) - timedelta(minutes=4)
        owner.write_text(json.dumps({**shown, "since": earlier.isoformat()}), encoding="utf-8")
        who = f"another sync (pid {os.getpid()} on {socket.gethostname()}, for 4 minutes)"

        assert refusal(tmp_path, WINES) == f"{who} works on acme/wines; wait for it with --wait 10m"
        assert refusal(tmp_path, WINES, wait=0.2) == (
            f"{who} works on acme/wines; 0 seconds were not enough"
        )
        with hold_locks(tmp_path, [BEERS], wait=0):
            pass
        assert LockHeld.exit_code == 5

    with hold_locks(tmp_path, [WINES], wait=0):
        pass


@pytest.mark.parametrize("broken", [None, "", "{", "[]", '{"pid": 1}', '{"since": "today"}'])
def test_owner_that_is_not_known(tmp_path: Path, broken: str | None) -> None:
    """An owner that has not written who it is, or not yet in full, holds the lock all the same."""
    with hold_locks(tmp_path, [WINES], wait=0):
        [owner] = tmp_path.glob("*.json")
        if broken is None:
            owner.unlink()
        else:
            owner.write_text(broken, encoding="utf-8")

        assert refusal(tmp_path, WINES).startswith("another sync works on acme/wines; ")


def test_other_servers_and_modes_don_t_matter(tmp_path: Path) -> None:
    """A lock is that of an entity and a project."""
    with hold_locks(tmp_path, [WINES], wait=0):
        refusal(tmp_path, Destination("offline", "/bundle", "acme", "wines"))


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    """Whatever a project is called, it has a lock of its own, in the folder."""
    names = ["a/b", "a_b", "a b", "..", "x" * 300, "ä", "A_B"]
    with hold_locks(tmp_path, [Destination("online", "", None, name) for name in names], wait=0):
        assert len(list(tmp_path.glob("*.lock"))) == len(names)
        refusal(tmp_path, Destination("online", "", None, "x" * 300))


def test_a_destination_twice(tmp_path: Path) -> None:
    """A process does not wait for itself."""
    with hold_locks(tmp_path, [WINES, WINES, BEERS], wait=0):
        assert len(list(tmp_path.glob("*.lock"))) == 2


def test_none_is_kept_if_one_is_refused(tmp_path: Path) -> None:
    """All locks or none: if the second lock is refused, the first one is released."""
    with hold_locks(tmp_path, [WINES], wait=0):
        refusal(tmp_path, WINES, BEERS)
        with hold_locks(tmp_path, [BEERS], wait=0):
            pass
        assert len(list(tmp_path.glob("*.json"))) == 1


def test_error_inside(tmp_path: Path) -> None:
    """The lock is released even after an error."""
    with pytest.raises(KeyboardInterrupt), hold_locks(tmp_path, [WINES], wait=0):
        raise KeyboardInterrupt

    assert files(tmp_path) == ["acme_wines.lock"]
    with hold_locks(tmp_path, [WINES], wait=0):
        pass


def test_no_room_for_locks(tmp_path: Path) -> None:
    """An unusable folder is reported."""
    (tmp_path / "file").touch()

    with (
        pytest.raises(UsageError, match="can't be used"),
        hold_locks(tmp_path / "file" / "locks", [WINES], wait=0),
    ):
        pass


def test_beside_the_ledger(tmp_path: Path) -> None:
    """A ledger has its locks beside it."""
    with (
        SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger,
        ledger.lock([WINES], wait=0),
    ):
        assert files(tmp_path / "locks") == ["acme_wines.json", "acme_wines.lock"]


def test_killed_owner(tmp_path: Path, start: Callable[..., Process]) -> None:
    """The lock of a killed owner is free at once, and the owner is not named any more."""
    owner = start(str(tmp_path), "0", "acme/wines")
    assert said(owner) == "held"
    assert f"(pid {owner.pid} on " in refusal(tmp_path, WINES)
    owner.kill()
    owner.wait()

    with hold_locks(tmp_path, [WINES], wait=0):
        assert f"(pid {os.getpid()} on " in refusal(tmp_path, WINES)
    assert files(tmp_path) == ["acme_wines.lock"]


def test_waiting(tmp_path: Path, start: Callable[..., Process]) -> None:
    """A waiting process gets the lock as soon as it is free."""
    with hold_locks(tmp_path, [WINES], wait=0):
        waiting = start(str(tmp_path), "60", "acme/wines")
        hasty = start(str(tmp_path), "0", "acme/wines")
        assert f"(pid {os.getpid()} on " in said(hasty)
        assert waiting.poll() is None

    assert said(waiting) == "held"
    assert f"(pid {waiting.pid} on " in refusal(tmp_path, WINES)
    waiting.communicate("")
    assert waiting.returncode == 0


def test_crossed(tmp_path: Path, start: Callable[..., Process]) -> None:
    """Two processes that want the same locks in different orders don't wait for each other."""
    item = start("--times", "50", str(tmp_path), "60", "acme/wines", "acme/beers")
    other = start("--times", "50", str(tmp_path), "60", "acme/beers", "acme/wines")

    assert item.communicate()[0].split() == ["held"] * 50
    assert other.communicate()[0].split() == ["held"] * 50


def test_threads(tmp_path: Path) -> None:
    """Only one of several threads holds the lock at a time."""
    inside: list[int] = []
    seen: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with hold_locks(tmp_path, [WINES], wait=60):
                inside.append(number)
                time.sleep(0.001)
                seen.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [1] * 20
