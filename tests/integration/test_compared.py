"""W&B says what Metaflow's client says, value by value: a sample of `make test-compared`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compared import corpus
from tests.support.sandbox import Sandbox

_TESTS = Path(__file__).parents[1]
_ITS_OWN = sorted((_TESTS / "compared").rglob("*.py"))
_READ_BY_IT = [
    _TESTS / "support" / "truth" / f"{name}.py" for name in ("expected", "recorder", "records")
]


@pytest.mark.parametrize("path", [*_ITS_OWN, *_READ_BY_IT], ids=lambda path: path.name)
def test_nothing_of_mfwb_is_imported(path: Path) -> None:
    """What compares shares no code with what is compared."""
    assert [name for name in _imported(path) if name.split(".")[0] == "mfwb"] == []


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_a_sample(tmp_path: Path) -> None:
    """Nothing differs."""
    folder = tmp_path / "flows"
    corpus.make(folder, sample=True)  # here, where the imports of flows are shared
    program, tests = str(_TESTS / "compared" / "__main__.py"), str(_TESTS.parent)

    done = Sandbox(folder).script(program, str(folder), "--sample", PYTHONPATH=tests)

    assert done.out == "", done.err
    assert done.code == 0, done.err
