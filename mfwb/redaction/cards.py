"""Metaflow's cards without secrets: the data that a card shows, and the text of its page.

Scripts and styles stay as they are: what looks like a secret in them is code.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mfwb.redaction.mark import MASK
from mfwb.redaction.masker import Masker
from mfwb.redaction.token_forms import looks_random

__all__ = ["mask_card", "mask_card_file"]

_DATA = re.compile(r'(?<=__MF_DATA__\[")([^"]{1,200}"\]\s{0,4}=\s{0,4}")([A-Za-z0-9+/=]+)(?=")')
_SHORTENED = re.compile(r"([^\s'\"]{8,80}\.\.\.)([^\s'\"]{12,80})(?=['\"])")
_CODE = re.compile(r"<(script|style)\b", re.IGNORECASE)
_PAIR = 2


def mask_card_file(path: Path, masker: Masker) -> int:
    """Mask the secrets in a card in place, and return how many of its texts had some."""
    if not masker.enabled:
        return 0
    data, encoding = path.read_bytes(), "utf-8"
    try:
        html, marks = mask_card(data.decode(encoding), masker)
    except UnicodeDecodeError:  # no card of Metaflow
        encoding = "latin-1"
        html, marks = mask_card(data.decode(encoding), masker)
    if marks:
        path.write_bytes(html.encode(encoding))
    return marks


def mask_card(html: str, masker: Masker) -> tuple[str, int]:
    """Return the page of a card without secrets, and how many of its texts had some."""
    marks = 0
    pieces = []
    for is_code, piece in _split(html):
        masked, number = _mask_code(piece, masker) if is_code else _mask_page(piece, masker)
        pieces.append(masked)
        marks += number
    return ("".join(pieces), marks) if marks else (html, 0)


def _split(html: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a page, and whether each is a script or a style."""
    end = 0
    while (begin := _CODE.search(html, end)) is not None:
        yield False, html[end : begin.start()]
        closing = html.find(f"</{begin[1]}", begin.end())
        end = len(html) if closing < 0 else closing
        yield True, html[begin.start() : end]
    yield False, html[end:]


def _mask_page(text: str, masker: Masker) -> tuple[str, int]:
    masked = masker.mask_text(text)
    return masked, int(masked != text)


def _mask_code(code: str, masker: Masker) -> tuple[str, int]:
    """Return a script with masks in the data of a card that it holds."""
    if "__MF_DATA__" not in code:
        return code, 0
    total = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal total
        try:
            value = json.loads(base64.b64decode(match[2], validate=True))
        except (binascii.Error, ValueError, RecursionError):
            return match[0]
        named, of_tables = _mask_tables(_without_tails(value), masker)
        masked, marks = masker.mask_value("", named)
        if masked == value:
            return match[0]
        total += max(1, marks + of_tables)
        return f"{match[1]}{base64.b64encode(json.dumps(masked).encode()).decode()}"

    return _DATA.sub(replaced, code), total


def _without_tails(value: Any) -> Any:
    """Return the data without the ends of shortened texts that may be those of secrets.

    A card shows a long text as its beginning and its end, and the form of a secret is in neither.
    """
    if isinstance(value, str):
        return _SHORTENED.sub(_mask_tail, value) if "..." in value else value
    if isinstance(value, list):
        return [_without_tails(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_tails(item) for key, item in value.items()}
    return value


def _mask_tail(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if looks_random(match[2]) else match[0]


def _mask_tables(value: Any, masker: Masker) -> tuple[Any, int]:
    """Return the data with masks in its tables: a column, or the first of two cells, has a name."""
    if isinstance(value, list):
        items = [_mask_tables(item, masker) for item in value]
        return [item for item, _ in items], sum(marks for _, marks in items)
    if not isinstance(value, dict):
        return value, 0
    parts = {key: _mask_tables(item, masker) for key, item in value.items()}
    marks = sum(number for _, number in parts.values())
    masked = {key: item for key, (item, _) in parts.items()}
    columns, rows = masked.get("columns"), masked.get("data")
    if masked.get("type") == "table" and isinstance(columns, list) and isinstance(rows, list):
        masked["data"] = []
        for row in rows:
            cells, number = _mask_row(columns, row, masker)
            masked["data"].append(cells)
            marks += number
    return masked, marks


def _mask_row(columns: list[Any], row: Any, masker: Masker) -> tuple[Any, int]:
    if not isinstance(row, list):
        return row, 0
    names = [str(name) for name in columns][: len(row)]
    names += [""] * (len(row) - len(names))
    if len(row) == _PAIR and isinstance(row[0], str):
        names[1] = names[1] if masker.is_secret_name(names[1]) else row[0]
    cells = [masker.mask_value(name, cell) for name, cell in zip(names, row, strict=True)]
    return [cell for cell, _ in cells], sum(marks for _, marks in cells)
