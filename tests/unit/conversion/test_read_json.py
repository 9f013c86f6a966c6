"""Files that a compromised process wrote: what is no honest one is refused, and harms nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfwb.conversion.charts import read_chart
from mfwb.conversion.panels import read_panel
from mfwb.conversion.read_json import read_json
from mfwb.conversion.read_table_rows import read_rows
from mfwb.conversion.table_curves import read_columns

READERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "chart": (read_chart, ""),
    "panel": (read_panel, "panel.json"),
    "rows": (read_rows, ""),
    "columns": (read_columns, ""),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000 + b"]" * 100_000, b"{", b"\xff\xfe"],
    ids=["too deep", "half", "no text"],
)
def test_no_honest_file(tmp_path: Path, reader: str, data: bytes) -> None:
    """A file that is nested too deeply for Python, that breaks off, or that is no text."""
    read, name = READERS[reader]
    path = tmp_path / (name or "file")
    path.write_bytes(data)

    with pytest.raises(ValueError, match=r"."):
        read(tmp_path if name else path)


def test_too_large(tmp_path: Path) -> None:
    """It is not even read."""
    path = tmp_path / "file"
    path.write_bytes(b"[1]" + b" " * 100)

    assert read_json(path, "rows", limit=103, too_large="no") == [1]
    with pytest.raises(ValueError, match="no"):
        read_json(path, "rows", limit=102, too_large="no")
