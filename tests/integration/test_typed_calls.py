"""What mypy says of the Python in the documentation. tests/typing has the calls of mfwb itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def snippets() -> list[str]:
    """Return the Python that users read in the documentation."""
    pages = (REPOSITORY / "docs" / "python.md", REPOSITORY / "README.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [code for text in texts for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


@pytest.mark.exhaustive
def test_snippets_have_right_types(tmp_path: Path) -> None:
    """mypy, strict, has no complaint; it takes 40 s of processor time to read mfwb for that."""
    for number, snippet in enumerate(snippets()):
        (tmp_path / f"snippet{number}.py").write_text(snippet, encoding="utf-8")
    files = sorted(map(str, tmp_path.glob("*.py")))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *files],
        cwd=REPOSITORY,  # its settings for mypy, and what `make types` has kept of mfwb
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) > 5
