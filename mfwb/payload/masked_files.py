"""JSON files that conversions wrote, without secrets before they get a name in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mfwb.conversion.convert import Conversion
from mfwb.redaction import Masker

__all__ = ["mask_file", "mask_of_name"]

_JSON = (Conversion.VALUE, Conversion.ROWS, Conversion.FIGURE, Conversion.CHART)
_TEXTS = (Conversion.MEDIA, Conversion.MEDIA_PANEL)
_MASKED = (*_JSON, *_TEXTS)
"""Conversions whose files mfwb writes as text; the others are data in forms of their own."""

_NAMED = (Conversion.VALUE, *_TEXTS)
"""Conversions of values, whose own name may be that of a secret."""

_TEXT_SUFFIXES = (".html", ".md", ".svg")


def mask_of_name(conversion: Conversion, name: str, masker: Masker) -> str:
    """Return the part of a file's name in the store that the masks in it decide; else nothing.

    So a file that was written with other rules, or by an mfwb without masks, is not used.
    """
    if conversion not in _MASKED or not masker.enabled:
        return ""
    owner = "s" if masker.is_secret_name(name) else "x" if masker.is_exempt(name) else ""
    return f".m{masker.digest}{owner if conversion in _NAMED else ''}"


def mask_file(conversion: Conversion, name: str, path: Path, masker: Masker) -> int:
    """Mask secrets in a file in place, and return how many of its texts had some.

    Nearly all files have none, and are not even parsed.

    Args:
        conversion: that wrote the file.
        name: of the artifact; it may be that of a secret.
        path: of the file.
        masker: knows what a secret is.
    """
    if conversion not in _MASKED or not masker.enabled:
        return 0
    name = name if conversion in _NAMED else ""
    if conversion in _TEXTS:
        files = (file for file in path.iterdir() if file.suffix in _TEXT_SUFFIXES)
        return sum(_mask_text_file(name, file, masker) for file in files)
    text = path.read_text(encoding="utf-8")
    if not masker.is_candidate(name, text):
        return 0
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return 0  # whoever reads it refuses it
    masked, marks = (
        _mask_rows(value, masker)
        if conversion is Conversion.ROWS
        else masker.mask_value(name, value)
    )
    if marks:
        path.write_text(json.dumps(masked), encoding="ascii")
    return marks


def _mask_text_file(name: str, path: Path, masker: Masker) -> int:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return 0
    masked, marks = masker.mask_value(name, text)
    if marks:
        path.write_bytes(str(masked).encode("utf-8"))
    return marks


def _mask_rows(document: Any, masker: Masker) -> tuple[Any, int]:
    """Return the rows of a table without secrets: the name of a column names its cells."""
    match document:
        case {"columns": list() as columns, "rows": list() as rows}:
            masked, marks = [], 0
            for row in rows:
                if not isinstance(row, list):
                    return document, 0
                cells = [
                    masker.mask_value(str(name), cell)
                    for name, cell in zip(columns, row, strict=False)
                ]
                masked.append([cell for cell, _ in cells])
                marks += sum(number for _, number in cells)
            return {"columns": columns, "rows": masked}, marks
    return document, 0
