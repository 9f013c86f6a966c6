"""A sync that finds nothing new: what it does for each flow run, counted."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.copies import add_to_ledger, copy_listing, tag_flow_run
from tests.support.sandbox import Finished, Sandbox

_MINUTE = 60_000  # ms
_FEW, _MORE, _MANY = 20, 60, 260  # flow runs; the ledger is asked for 200 at once
_THOUSAND, _THOUSANDS = 1_000, 3_000  # flow runs
_BYTES = 250  # of memory for one more flow run; what is shown of one has 3,000

_COUNTED = """
import json, sqlite3, sys

opened, statements, connect = [], [], sqlite3.connect


def connect_and_count(*given, **named):
    connection = connect(*given, **named)
    connection.set_trace_callback(statements.append)
    return connection


sqlite3.connect = connect_and_count
sys.addaudithook(lambda event, given: event == "open" and opened.append(str(given[0])))

from mfwb.cli import main

try:
    main(sys.argv[1:])
finally:
    counted = {
        "opened": len(opened),
        "statements": len(statements),
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    }
    with open("counted.json", "w") as file:
        json.dump(counted, file)
"""


_TRACED = """
import sys, tracemalloc

import mfwb.api
from mfwb.cli import main

tracemalloc.start()
try:
    main(sys.argv[1:])
finally:
    with open("peak", "w") as file:
        file.write(str(tracemalloc.get_traced_memory()[1]))
"""


@dataclass(frozen=True)
class Counted:
    """What a job did."""

    opened: int  # files
    statements: int  # of SQL
    modules: list[str]  # that were imported, packages alone


@dataclass
class Cron:
    """Flow runs that were synced, and the job that syncs them again."""

    sandbox: Sandbox
    root: Path
    datastore: Path
    pathspec: str
    project: str
    copies: int = 0

    def add(self, count: int) -> None:
        """Let there be so many flow runs, of which all but the first are copies."""
        new = [
            copy_listing(
                self.root,
                self.pathspec,
                started_at_ms=int(self.pathspec.partition("/")[2]) // 1000 - _MINUTE * number,
            )
            for number in range(self.copies + 1, count)
        ]
        self.copies = count - 1
        add_to_ledger(self.sandbox.root / "state" / "ledger.sqlite", self.pathspec, new)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return the arguments of the job."""
        place = ("--metadata", metadata_of(self.root), "--datastore-root", str(self.datastore))
        where = ("--project", self.project, "--entity", "acme", *place)
        return ("sync", "--since", "36500d", "--json", *where, *arguments)

    def sync(self, *arguments: str) -> Finished:
        """Run the job."""
        return self.sandbox.mfwb(*self.command(*arguments))

    def peak(self, *arguments: str) -> int:
        """Run the job, which finds nothing new, and return the most bytes that it needed at once.

        Those of modules that every call imports are not counted.
        """
        done = self.sandbox.python(_TRACED, *self.command(*arguments))
        assert done.code == 0, done.err
        assert done.document["totals"]["flow_runs"]["unchanged"] == self.copies + 1
        return int((self.sandbox.root / "peak").read_text(encoding="utf-8"))

    def count(self, *, warm: bool) -> Counted:
        """Run the job, which finds nothing new, and return what it did.

        Args:
            warm: without the time that imports take; what is imported is more then.
        """
        program, sandbox = (_COUNTED, *self.command()), self.sandbox
        cold = (sys.executable, "-c", *program)
        done = sandbox.python(*program) if warm else sandbox.run(*cold)
        assert done.code == 0, done.err
        statuses = [item["status"] for item in done.document["flow_runs"]]
        assert statuses == ["unchanged"] * (self.copies + 1)
        counted = json.loads((self.sandbox.root / "counted.json").read_text(encoding="utf-8"))
        return Counted(**counted)


@pytest.fixture
def cron(
    online: Sandbox,
    flow_run: Callable[[str], str],
    flows_root: Path,
    tmp_path: Path,
    project: str,
) -> Cron:
    """Return a flow run that was synced."""
    pathspec = flow_run("two_flow")
    root = tmp_path / "flows"
    for name in ("TwoFlow/_meta", pathspec, "TwoFlow/data"):
        shutil.copytree(flows_root / ".metaflow" / name, root / ".metaflow" / name)
    cron = Cron(online, root, flows_root / ".metaflow", pathspec, project)
    done = cron.sync()
    assert done.code == 0, done.err
    return cron


def test_operations(cron: Cron) -> None:
    """A flow run is its record in the listing: no query, no other file, and no SDK of W&B."""
    cron.add(_FEW)
    few = cron.count(warm=True)
    cron.add(_MORE)
    more = cron.count(warm=True)
    cron.add(_MANY)
    many = cron.count(warm=False)

    # The record is opened without following links, and then by that handle.
    assert more.opened - few.opened <= 2 * (_MORE - _FEW)
    assert more.statements == few.statements
    assert many.statements - more.statements == 1
    assert {"wandb", "pandas", "pyarrow", "numpy"}.isdisjoint(many.modules)


def test_memory(cron: Cron) -> None:
    """It does not grow with the flow runs, of which there may be a hundred thousand."""
    cron.peak()  # Python compiles modules that it has not seen yet, which takes memory, too
    peaks = []
    for number in (_THOUSAND, _THOUSANDS):
        cron.add(number)
        peaks.append(cron.peak())
    few, many = peaks

    assert many - few < _BYTES * (_THOUSANDS - _THOUSAND)


def test_documents_are_as_of_the_first_sync(cron: Cron) -> None:
    """What is shown of an unchanged flow run is what was shown when it was written."""
    first = cron.sync("--force").document
    again = cron.sync().document

    [written], [unchanged] = first["flow_runs"], again["flow_runs"]
    assert (written.pop("status"), unchanged.pop("status")) == ("synced", "unchanged")
    assert (unchanged.pop("seconds"), unchanged.pop("bytes_written")) == (None, 0)
    assert {run.pop("bytes_written") for run in unchanged["wandb_runs"]} == {0}
    for name in ("seconds", "bytes_written"):
        written.pop(name)
    for run in written["wandb_runs"]:
        run.pop("bytes_written")
    assert unchanged == written
    for name in ("flow_runs", "bytes_written", "seconds", "requests"):
        first["totals"].pop(name)
        again["totals"].pop(name)
    assert again["totals"] == first["totals"]


def test_changes_are_noticed(cron: Cron) -> None:
    """A tag, and a setting, lead to the flow run being read, among many that are not."""
    cron.add(_FEW)
    assert {item["status"] for item in cron.sync().document["flow_runs"]} == {"unchanged"}

    tag_flow_run(cron.root, cron.pathspec, "checked", at_ms=1_900_000_000_000)
    tagged = {item["pathspec"]: item for item in cron.sync().document["flow_runs"]}
    with_setting = cron.sync("--no-models", "--last", "1").document["flow_runs"]

    assert tagged[cron.pathspec]["status"] != "unchanged"
    assert len(tagged) == _FEW
    assert [item["status"] for name, item in tagged.items() if name != cron.pathspec] == [
        "unchanged"
    ] * (_FEW - 1)
    assert len(with_setting) == 1
