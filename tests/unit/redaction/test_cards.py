"""Cards without secrets."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mfwb.redaction import MASK, Masker
from mfwb.redaction.cards import mask_card, mask_card_file
from tests.support.secret_kinds import SHAPED, letters

TOKEN = SHAPED[0].text
PAGE = (
    "<html><style>.token{{color:red}}</style><body>{text}</body><script>\n"
    'var METAFLOW_RELOAD_TOKEN = "final"\nwindow.__MF_DATA__["1-a"] = "{data}"\n</script></html>'
)


def page(value: Any, text: str = "") -> str:
    """Return a card that shows a value."""
    return PAGE.format(text=text, data=base64.b64encode(json.dumps(value).encode()).decode())


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (
            {"name": "api_key", "type": "str", "data": "'abc'"},
            {"name": "api_key", "type": "str", "data": MASK},
        ),
        ({"type": "text", "text": f"use {TOKEN} now"}, {"type": "text", "text": f"use {MASK} now"}),
        (
            {"type": "table", "columns": ["user", "password"], "data": [["a", "b"], ["c", None]]},
            {"type": "table", "columns": ["user", "password"], "data": [["a", MASK], ["c", None]]},
        ),
        (
            {"type": "table", "columns": ["name", "value"], "data": [["api_key", "b"], ["x", "y"]]},
            {
                "type": "table",
                "columns": ["name", "value"],
                "data": [["api_key", MASK], ["x", "y"]],
            },
        ),
    ],
)
def test_data(value: Any, masked: Any) -> None:
    """What a card shows is masked by names and forms."""
    html, marks = mask_card(page({"components": [value]}), Masker())

    assert html == page({"components": [masked]})
    assert marks == 1


def test_text() -> None:
    """So is the text of the page, and no script or style."""
    html, marks = mask_card(page(1, f"<p>{TOKEN}</p><p>password: {letters('c', 12)}</p>"), Masker())

    assert html == page(1, f"<p>{MASK}</p><p>password: {MASK}</p>")
    assert marks == 1


def test_innocent(tmp_path: Path) -> None:
    """Any other card stays as it is, to the byte, whatever it is."""
    for number, data in enumerate(
        [page({"a": [1]}).encode(), b"\xff<script", page(1).encode() + b"<script>\n\xe9", b""]
    ):
        path = tmp_path / str(number)
        path.write_bytes(data)

        assert mask_card_file(path, Masker()) == 0
        assert path.read_bytes() == data


def test_other_encodings(tmp_path: Path) -> None:
    """A page that is not UTF-8 is masked, too; without masks it stays."""
    path = tmp_path / "card"
    path.write_bytes(b"\xff " + TOKEN.encode())

    assert mask_card_file(path, Masker(enabled=False)) == 0
    assert mask_card_file(path, Masker()) == 1
    assert path.read_bytes() == b"\xff ***"
