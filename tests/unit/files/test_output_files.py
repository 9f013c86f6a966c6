"""Files that the user named."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from mfwb.cli.report_files import ReportFiles
from mfwb.files.output_files import write_output
from mfwb.report.html import HtmlReport


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """In one step, with its permissions; nothing else stays."""
    path = tmp_path / "page.html"
    path.write_text("before")

    write_output(path, b"after", 0o640)

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """As is a device: it stays what it is, whichever command writes."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []

    for write in (
        HtmlReport((), "page", "").save,
        lambda pipe: ReportFiles(report=pipe).write("page", ""),
    ):
        reader = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
        reader.start()
        write(path)
        reader.join(20)

    assert got == [b"page", b"page"]
    assert path.is_fifo()
