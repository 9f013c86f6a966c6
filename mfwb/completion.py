"""What the shell may complete: names of flows, flow runs, steps and projects.

A shell waits for it at each press of a key, so neither SDK and nothing else large is imported: the
ledger is read by SQL, and local metadata by the names of its folders. Whatever fails there, nothing
is completed, and nothing is said.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from mfwb.files.home_folder import expand_home
from mfwb.files.state_folder import state_folder

__all__ = ["complete_destinations", "complete_pathspecs"]

_LIMIT = 50
"""Flow runs of a flow that are completed, the newest first."""

_PLAIN = re.compile(r"[\w.:@+/-]+")
"""What a shell takes as it is: strangers may choose names, and a shell would expand a `*`."""

_LATEST = "latest"
_BUSY_SECONDS = 0.05
_LOCAL = "local@"


def complete_pathspecs(
    incomplete: str, *, levels: int = 1, latest: bool = True, metadata: str | None = None
) -> list[str]:
    """Return pathspecs that begin with a text: flows, then flow runs, then steps, then tasks.

    Args:
        incomplete: what the user has typed.
        levels: how many slashes they may have: 0 for flows, 1 for flow runs, 3 for tasks.
        latest: whether `Flow/latest` is one.
        metadata: the provider that the user has typed, as in `local@DIR`.
    """
    root = _local_root(metadata)
    flow, slash, rest = incomplete.partition("/")
    if not slash:
        flows = sorted({*_folders(root), *_flows_of_ledger()})
        matching = [name for name in flows if name.startswith(incomplete)]
        if len(matching) != 1 or levels == 0:
            return matching
        return [*matching, *_flow_runs(root, matching[0], "", latest=latest)]
    if not flow:  # it would be the path of some folder
        return []
    if "/" not in rest:
        return _flow_runs(root, flow, rest, latest=latest)
    if levels < incomplete.count("/"):
        return []
    folder, _, part = incomplete.rpartition("/")
    names = _folders(root, folder)
    return sorted(f"{folder}/{name}" for name in names if name.startswith(part))


def complete_destinations(column: str, incomplete: str) -> list[str]:
    """Return the entities or projects of the ledger that begin with a text.

    Args:
        column: "entity" or "project".
        incomplete: what the user has typed.
    """
    if column not in {"entity", "project"}:
        return []
    rows = _query(f"SELECT DISTINCT {column} FROM flow_runs", ())  # noqa: S608 - one of two names
    return sorted(name for name in rows if name and name.startswith(incomplete))


def _flow_runs(root: Path | None, flow: str, beginning: str, *, latest: bool) -> list[str]:
    local = _newest(_folders(root, flow), beginning)
    known = (name.partition("/")[2] for name in _flow_runs_of_ledger(flow))
    newest = [_LATEST] if latest and _LATEST.startswith(beginning) else []
    runs = dict.fromkeys([*newest, *local, *_newest(known, beginning)])
    return [f"{flow}/{run}" for run in runs]


def _newest(runs: Iterable[str], beginning: str) -> list[str]:
    """Return the runs that are likely to be the newest; the ids are numbers that grow."""
    matching = [run for run in runs if run.startswith(beginning) and not run.startswith("_")]
    matching.sort(key=lambda run: (len(run), run) if run.isdecimal() else (0, run), reverse=True)
    return matching[:_LIMIT]


def _folders(root: Path | None, below: str = "") -> Iterator[str]:
    """Yield the names of flows, flow runs, steps or tasks in local metadata."""
    if root is None or ".." in below.split("/"):
        return
    is_top = not below
    with suppress(OSError), os.scandir(root / below) as entries:
        for entry in entries:
            name = entry.name
            if (name[0] in "._" and name != "_") or name == "data" or not entry.is_dir():
                continue
            if is_top and not (root / name / "_meta").is_dir():
                continue
            if _PLAIN.fullmatch(name):
                yield name


def _local_root(metadata: str | None) -> Path | None:
    """Return the folder of local metadata, as Metaflow finds it; None: there is none."""
    given = metadata or os.environ.get("MFWB_METADATA") or ""
    if given.startswith(_LOCAL):
        return expand_home(given.removeprefix(_LOCAL)) / ".metaflow"
    if given:
        return None
    with suppress(OSError):
        if root := os.environ.get("METAFLOW_DATASTORE_SYSROOT_LOCAL"):
            return Path(root) / ".metaflow"
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / ".metaflow").is_dir():
                return folder / ".metaflow"
    return None


def _flows_of_ledger() -> set[str]:
    return {name.partition("/")[0] for name in _query("SELECT flow_run FROM flow_runs", ())}


def _flow_runs_of_ledger(flow: str) -> list[str]:
    return _query(
        "SELECT flow_run FROM flow_runs WHERE flow_run >= ? AND flow_run < ?",
        (f"{flow}/", f"{flow}0"),  # 0 is the character after the slash
    )


def _query(query: str, values: tuple[str, ...]) -> list[str]:
    """Return the first column of a query to the user's ledger; nothing if that is not possible."""
    path = state_folder() / "ledger.sqlite"
    with suppress(OSError, sqlite3.Error, ValueError):
        if path.is_symlink() or not path.is_file():
            return []
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            rows = connection.execute(query, values)
            texts = (row[0] for row in islice(rows, 100_000))
            return [text for text in texts if isinstance(text, str) and _PLAIN.fullmatch(text)]
    return []
