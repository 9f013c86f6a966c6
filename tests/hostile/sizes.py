"""Contents that are large, or unpack to something large."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import FLOW, StoredRun

_LINE = b"[MFLOG|0|2026-01-01T00:00:00.%06dZ|task|abc]" + b"x" * 950 + b"\n"


def _log(run: StoredRun, megabytes: int, line: bytes) -> None:
    """Make what a task printed so large."""
    with (run.task("start") / "0.runtime_stdout.log").open("wb") as file:
        for number in range(megabytes):
            timed = line % number if b"%" in line else line
            file.write(timed * (1_000_000 // len(timed)))


@attack("12", sampled=True)
def log_of_30_mb(run: StoredRun, _: Scene) -> None:
    """A task printed 30 MB."""
    _log(run, 30, _LINE)


@attack("12")
def log_of_300_mb(run: StoredRun, _: Scene) -> None:
    """A task printed 300 MB."""
    _log(run, 300, _LINE)


@attack("12")
def log_of_one_line(run: StoredRun, _: Scene) -> None:
    """A task printed a line of 100 MB."""
    _log(run, 100, b"x" * 1_000_000)


@attack("12")
def log_of_short_lines(run: StoredRun, _: Scene) -> None:
    """A task printed 10 million empty lines."""
    _log(run, 10, b"\n" * 1_000_000)


@attack("12")
def log_with_holes(run: StoredRun, _: Scene) -> None:
    """What a task printed is a file of a terabyte, all of it holes."""
    with (run.task("start") / "0.runtime_stdout.log").open("wb") as file:
        file.truncate(10**12)


@attack("12", sampled=True)
def card_of_30_mb(run: StoredRun, _: Scene) -> None:
    """A card has 30 MB."""
    for card in run.cards.rglob("*.html"):
        card.write_bytes(b"<p>x</p>\n" * 3_300_000)


@attack("12")
def card_with_holes(run: StoredRun, _: Scene) -> None:
    """A card is a file of a terabyte, all of it holes."""
    for card in run.cards.rglob("*.html"):
        with card.open("wb") as file:
            file.truncate(10**12)


@attack("12", sampled=True)
def record_with_holes(run: StoredRun, _: Scene) -> None:
    """What a task wrote of its artifacts is a file of a terabyte, all of it holes."""
    with run.facts("start").open("wb") as file:
        file.truncate(10**12)


@attack("12")
def content_with_holes(run: StoredRun, _: Scene) -> None:
    """A content is a file of a terabyte, all of it holes, which is said not to be compressed."""
    sha = hashlib.sha1(run.label.encode()).hexdigest()  # noqa: S324
    run.put_stored(b"", sha, raw=True)
    with run.blob(sha).open("wb") as file:
        file.truncate(10**12)
    run.point("values", sha)
    run.point("frame", sha)


def _bomb(run: StoredRun, name: str, times: int) -> None:
    sha = hashlib.sha1(f"{run.label}{name}".encode()).hexdigest()  # noqa: S324
    run.put_stored(gzip.compress(bytes(10_000_000), 9) * times, sha)
    run.point(name, sha)


@attack("12", sampled=True, explain="start/values")
def bombs(run: StoredRun, _: Scene) -> None:
    """Contents of 3 MB unpack to 3 GB, and are recorded as some hundred bytes."""
    for name in ("values", "frame", "kept", "path", "words", "_transition", "_graph_info"):
        _bomb(run, name, 300)


@attack("12")
def bombs_by_their_size(run: StoredRun, _: Scene) -> None:
    """Contents of 3 MB unpack to 3 GB, and that many are recorded."""
    names = ("values", "frame")
    for name in names:
        _bomb(run, name, 300)

    def enlarge(document: dict[str, Any]) -> None:
        for name in names:
            document["info"][name]["size"] = 3_000_000_000

    for step in ("start", "middle", "end"):
        run.edit(run.facts(step), enlarge)


@attack("12", explain="_parameters/words")
def large_included_file(run: StoredRun, _: Scene) -> None:
    """An honest IncludeFile has 500 MB."""
    path = run.store / "data" / FLOW / hashlib.sha1(run.label.encode()).hexdigest()  # noqa: S324
    path.write_bytes(gzip.compress(bytes(10_000_000), 9) * 50)
    run.replace("words", opcodes.included(f"local://{path}", size=500_000_000, is_text=False))


@attack("12")
def many_values(run: StoredRun, _: Scene) -> None:
    """A value has a million keys."""
    run.replace("values", opcodes.dumps({f"k{number}": number for number in range(300_000)}))


@attack("12")
def wide_table(run: StoredRun, _: Scene) -> None:
    """A value is a list of 300,000 rows of one number."""
    run.replace("kept", opcodes.dumps([{"epoch": n, "loss": 0.5} for n in range(300_000)]))
