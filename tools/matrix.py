"""Run the tests that look at the SDKs beside each Python, Metaflow and wandb that mfwb supports.

`make test-matrix` calls this. A cell is a Python, the lowest or newest metaflow, and the lowest or
newest wandb of `mfwb/known_versions.py`; all else has the version of `constraints.txt`. What each
cell showed is stored in `docs/compatibility.json`, from which the table in docs/install.md is made.

    python -m tools.matrix [--missing] [PYTHON ...]

With versions of Python, only their cells are run, with `--missing` only those without a result;
the others keep theirs. `make test-matrix MISSING=1` goes on where another call was stopped.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

from mfwb.known_versions import METAFLOW, PYTHON, WANDB
from tools.venvs import ROOT, build_wheel, copy_of_tests, install, make_venv, run_tests

SDK_TESTS = (
    # What mfwb uses of the SDKs that is not public; tests/unit/test_private_parts.py sees to it
    # that none is missing here.
    "tests/contracts/test_artifact_drafts.py",
    "tests/contracts/test_messages.py",
    "tests/contracts/test_plain_settings.py",
    "tests/contracts/test_sink.py",
    "tests/contracts/test_source.py",
    "tests/integration/sink",
    "tests/integration/source/test_card_places.py",
    "tests/integration/source/test_code_package.py",
    "tests/integration/source/test_console_addresses.py",
    "tests/integration/source/test_datastore_roots.py",
    "tests/integration/source/test_metaflow_contract.py",
    "tests/integration/source/test_starting.py",
    "tests/unit/sink/history",
    "tests/unit/verification/recorded_offline",
    # The commands, each with flow runs that the cell's own Metaflow has made.
    "tests/integration/test_hooks.py",
    "tests/integration/test_lineage_edges.py",
    "tests/integration/test_logs_and_cards.py",
    "tests/integration/test_metadata_service.py::test_tried_again",
    "tests/integration/test_service_requests.py::test_it_is_what_the_client_gives",
    "tests/integration/test_push.py::test_all_runs_are_there",
    "tests/integration/test_push.py::test_it_is_as_synced_online",
    "tests/integration/test_sync_offline.py::test_files_are_closed_and_complete",
    "tests/integration/test_sync_offline.py::test_wandb_reads_the_files",
    "tests/integration/test_sync_offline.py::test_a_bundle_can_be_sent_with_wandb_sync",
    "tests/integration/test_sync_online.py::test_a_second_sync_writes_nothing",
    # And with those of older ones.
    "tests/integration/test_old_flow_runs.py",
)
"""Tests that tell whether mfwb works with a version of Metaflow or wandb."""

RESULTS = ROOT / "docs" / "compatibility.json"
PAGE = ROOT / "docs" / "install.md"
_BEGIN, _END = "<!-- `make test-matrix` writes this table -->\n", "<!-- end of the table -->"
_TABLE = re.compile(f"(?<={re.escape(_BEGIN)}).*(?={re.escape(_END)})", re.DOTALL)


@dataclass(frozen=True, order=True)
class Cell:
    """Versions that mfwb is tested beside."""

    python: str
    metaflow: str
    wandb: str


@dataclass(frozen=True)
class Result:
    """What the tests of a cell showed: how many passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        if self.failed:
            return f"**{self.failed} of {self.passed + self.failed} tests fail**"
        return f"{self.passed} tests pass"


Results = dict[Cell, Result]


def main(arguments: Sequence[str]) -> int:
    """Run cells, store what they showed, and return 1 if a test failed in one of them."""
    known = read() if "--missing" in arguments else {}
    pythons = [argument for argument in arguments if argument != "--missing"]
    cells = [cell for cell in all_cells(pythons) if cell not in known]
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder)) if cells else Path()
        for cell in cells:
            sys.stderr.write(f"\n{cell.python}, metaflow {cell.metaflow}, wandb {cell.wandb}\n")
            store(cell, run(cell, wheel))
    results = read()
    sys.stdout.write(table(results))
    return int(any(results[cell].failed for cell in cells))


def store(cell: Cell, result: Result) -> None:
    """Add a result to those that are stored, without those of versions that are history."""
    supported = set(all_cells())
    results = {known: of_it for known, of_it in read().items() if known in supported}
    results[cell] = result
    write(results)
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), results), "utf-8")


def all_cells(pythons: Sequence[str] = ()) -> Iterator[Cell]:
    """Yield each cell of some Pythons, without names of all that mfwb supports."""
    for names in product(
        pythons or _supported_pythons(),
        dict.fromkeys([METAFLOW.lowest, METAFLOW.newest]),
        dict.fromkeys([WANDB.lowest, WANDB.newest]),
    ):
        yield Cell(*names)


def _supported_pythons() -> list[str]:
    lowest, newest = (int(version.split(".")[1]) for version in (PYTHON.lowest, PYTHON.newest))
    return [f"3.{minor}" for minor in range(lowest, newest + 1)]


def run(cell: Cell, wheel: Path) -> Result:
    """Run the tests in a venv of the cell."""
    venv = ROOT / f".venv-matrix-{cell.python}"
    python = make_venv(venv, cell.python)
    constraints = venv / "constraints.txt"
    constraints.write_text(constraints_of(cell, (ROOT / "constraints.txt").read_text("utf-8")))
    install(python, wheel, constraints)
    report = venv / "junit.xml"
    with copy_of_tests(python) as folder:
        run_tests(python, folder, "-q", f"--junitxml={report}", *SDK_TESTS)
    return count(ET.parse(report).getroot())  # noqa: S314 - pytest has just written it


def constraints_of(cell: Cell, text: str) -> str:
    """Return the constraints of `make setup` with the cell's versions of the SDKs."""
    kept = [line for line in text.splitlines() if not line.startswith(("metaflow==", "wandb=="))]
    own = [f"metaflow=={cell.metaflow}", f"wandb=={cell.wandb}"]
    return "\n".join([*kept, *own, ""])


def count(report: ET.Element) -> Result:
    """Return what a report in the format of JUnit has, of all its suites."""
    suites = list(report.iter("testsuite"))

    def total(*names: str) -> int:
        return sum(int(suite.get(name, "0")) for suite in suites for name in names)

    failed, skipped = total("failures", "errors"), total("skipped")
    return Result(max(0, total("tests") - failed - skipped), failed, skipped)


def read(path: Path = RESULTS) -> Results:
    """Return the stored results."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text("utf-8"))
    return {Cell(**entry["cell"]): Result(**entry["result"]) for entry in document["cells"]}


def write(results: Results, path: Path = RESULTS) -> None:
    """Store results, sorted, a line for each cell."""
    entries = [
        json.dumps({"cell": asdict(cell), "result": asdict(result)})
        for cell, result in sorted(results.items(), key=_by_version)
    ]
    path.write_text('{"cells": [\n' + ",\n".join(entries) + "\n]}\n", "utf-8")


def table(results: Results) -> str:
    """Return the results as a table in Markdown: a row for each Python."""
    pairs = list(dict.fromkeys((cell.metaflow, cell.wandb) for cell in all_cells()))
    titles = [f"metaflow {metaflow}, wandb {wandb}" for metaflow, wandb in pairs]
    lines = [_row("Python", *titles), _row(*["---"] * (len(titles) + 1))]
    for python in dict.fromkeys(cell.python for cell in all_cells()):
        cells = [Cell(python, *pair) for pair in pairs]
        lines.append(_row(python, *(str(results.get(cell, "not run")) for cell in cells)))
    return "".join(lines)


def with_table(text: str, results: Results) -> str:
    """Return the text of the page with the table of these results."""
    return _TABLE.sub(lambda _: table(results), text)


def _row(*texts: str) -> str:
    return f"| {' | '.join(texts)} |\n"


def _by_version(item: tuple[Cell, Result]) -> list[list[int]]:
    cell = item[0]
    return [
        [int(number) for number in version.split(".")]
        for version in (cell.python, cell.metaflow, cell.wandb)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
