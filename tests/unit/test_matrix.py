"""What the matrix runs, and the table that it writes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from mfwb.known_versions import METAFLOW, PYTHON, WANDB
from tools.matrix import (
    PAGE,
    Cell,
    Result,
    all_cells,
    constraints_of,
    count,
    read,
    table,
    with_table,
    write,
)

CELL = Cell(PYTHON.lowest, METAFLOW.lowest, WANDB.newest)


def test_the_table_of_the_page_is_what_was_measured() -> None:
    """Who changes the supported versions runs the matrix again."""
    text = PAGE.read_text("utf-8")

    assert table(read()) in text
    assert with_table(text, read()) == text


def test_each_cell_was_run_and_nothing_failed() -> None:
    """Each of the versions of `mfwb/known_versions.py` with each of the others."""
    results = read()

    assert results.keys() == set(all_cells())
    assert [cell for cell, result in results.items() if result.failed or not result.passed] == []


def test_cells() -> None:
    """Each Python, with both ends of both ranges."""
    cells = list(all_cells())

    assert len(set(cells)) == len(cells) == 16
    assert cells[0] == Cell(PYTHON.lowest, METAFLOW.lowest, WANDB.lowest)
    assert cells[-1] == Cell(PYTHON.newest, METAFLOW.newest, WANDB.newest)
    assert {cell.python for cell in all_cells(["3.11"])} == {"3.11"}


def test_a_cell_has_its_own_sdks() -> None:
    """All else is as `make setup` installs it."""
    text = "numpy==2\nmetaflow==1\nmetaflow-extra==1\nwandb==1\n"

    assert constraints_of(CELL, text) == (
        f"numpy==2\nmetaflow-extra==1\nmetaflow=={CELL.metaflow}\nwandb=={CELL.wandb}\n"
    )


def test_counting() -> None:
    """An error outside of a test is a failure."""
    report = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>'

    assert count(ET.fromstring(report)) == Result(passed=3, failed=3, skipped=3)  # noqa: S314


def test_results_are_kept(tmp_path: Path) -> None:
    """They are read as they were written; a failure can't be overlooked in the table."""
    path = tmp_path / "results.json"
    results = {CELL: Result(passed=5, failed=2, skipped=1)}

    assert read(path) == {}
    write(results, path)
    assert read(path) == results
    assert "**2 of 7 tests fail**" in table(results)
    assert table(results).count("not run") == 15
