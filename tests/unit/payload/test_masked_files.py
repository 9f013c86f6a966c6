"""JSON files of conversions without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfwb.conversion.convert import Conversion
from mfwb.payload.masked_files import mask_file, mask_of_name
from mfwb.redaction import MASK, Masker
from tests.support.secret_kinds import SHAPED, letters

TOKEN = SHAPED[0].text
ROWS = {"columns": ["user", "password"], "rows": [["a", letters("p", 9)], [TOKEN, None]]}


@pytest.mark.parametrize(
    ("conversion", "name", "value", "masked", "marks"),
    [
        (Conversion.VALUE, "x", {"a": [TOKEN], "token": "abc"}, {"a": [MASK], "token": MASK}, 2),
        (Conversion.VALUE, "secrets", ["a", 1], [MASK, 1], 1),
        (Conversion.VALUE, "x", ["a", 1], ["a", 1], 0),
        (Conversion.ROWS, "secrets", ROWS, ROWS | {"rows": [["a", MASK], [MASK, None]]}, 2),
        (Conversion.ROWS, "x", {"columns": ["a"], "rows": [TOKEN]}, None, 0),
        (
            Conversion.ROWS,
            "x",
            {"columns": ["index", "0"], "rows": [["api_key", "abc"], ["host", "h"]]},
            {"columns": ["index", "0"], "rows": [["api_key", MASK], ["host", "h"]]},
            1,
        ),
        (
            Conversion.ROWS,
            "x",
            {"columns": [TOKEN, f"x {TOKEN}"], "rows": [[1, 2]], "curves": {TOKEN: [1.5]}},
            {"columns": [MASK, f"x {MASK}"], "rows": [[1, 2]], "curves": {MASK: [1.5]}},
            3,
        ),
        (Conversion.CURVES, "x", {"curves": {TOKEN: [1.5]}}, {"curves": {MASK: [1.5]}}, 1),
        (Conversion.ROWS, "x", [TOKEN], None, 0),
        (Conversion.FIGURE, "secret", {"layout": {"title": TOKEN}}, {"layout": {"title": MASK}}, 1),
        (Conversion.ARRAY, "x", [TOKEN], None, 0),
    ],
)
def test_masked(  # noqa: PLR0913, PLR0917 - a row of the table
    tmp_path: Path, conversion: Conversion, name: str, value: Any, masked: Any, marks: int
) -> None:
    """Texts are masked by their names and forms; other forms are read by nobody here."""
    path = tmp_path / "file"
    path.write_text(json.dumps(value))

    assert mask_file(conversion, name, path, Masker()) == marks
    assert json.loads(path.read_text()) == (value if masked is None else masked)


def test_broken(tmp_path: Path) -> None:
    """What is no JSON stays for whoever refuses it."""
    path = tmp_path / "file"
    path.write_text(f"[{TOKEN}")

    assert mask_file(Conversion.VALUE, "x", path, Masker()) == 0


def test_off(tmp_path: Path) -> None:
    """Without masks nothing is read."""
    assert mask_file(Conversion.VALUE, "x", tmp_path / "none", Masker(enabled=False)) == 0


def test_names() -> None:
    """Files of other rules, and of names that are secrets or exempt, have other names."""
    masker = Masker(exempt=["free"])
    parts = [
        mask_of_name(Conversion.VALUE, "x", masker),
        mask_of_name(Conversion.VALUE, "secret", masker),
        mask_of_name(Conversion.VALUE, "free", masker),
        mask_of_name(Conversion.VALUE, "x", Masker()),
        mask_of_name(Conversion.VALUE, "x", Masker(enabled=False)),
    ]

    assert len(set(parts)) == len(parts)
    assert parts[-1] == ""
    assert mask_of_name(Conversion.ROWS, "secret", masker) == parts[0]
    assert mask_of_name(Conversion.TABLE, "x", masker) == ""
