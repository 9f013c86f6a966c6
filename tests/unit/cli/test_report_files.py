"""The files that CI reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb.cli.report_files import ReportFiles
from mfwb.errors import MfwbError, UsageError


def test_written(tmp_path: Path) -> None:
    """A report is replaced in one step, also where a link is; others may read it."""
    other = tmp_path / "other"
    other.write_text("stays")
    report, summary = tmp_path / "junit.xml", tmp_path / "summary.md"
    report.symlink_to(other)
    summary.write_text("before\n")
    files = ReportFiles(report, summary)
    files.check()
    files.write("<x/>", "grün\n")

    assert report.read_text() == "<x/>"
    assert report.stat().st_mode & 0o777 == 0o644
    assert other.read_text() == "stays"
    assert summary.read_text(encoding="utf-8") == "before\ngrün\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "other", "summary.md"]


def test_nothing_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is written."""
    monkeypatch.chdir(tmp_path)
    ReportFiles().check()
    ReportFiles().write("<x/>", "x")

    assert list(tmp_path.iterdir()) == []


def test_bad_places(tmp_path: Path) -> None:
    """A folder is none, and neither is what lies in none; a full disk is told."""
    for path in (tmp_path, tmp_path / "no" / "file"):
        with pytest.raises(UsageError, match="--report"):
            ReportFiles(report=path).check()
    with pytest.raises(MfwbError, match="can't be written"):
        ReportFiles(summary=Path("/dev/full")).write("<x/>", "x")
