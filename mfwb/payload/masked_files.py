"""JSON files that conversions wrote, without secrets before they get a name in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mfwb.conversion.convert import Conversion
from mfwb.redaction import Masker

__all__ = ["mask_file", "mask_of_name"]

_TABLES = (Conversion.ROWS, Conversion.CURVES)
_JSON = (Conversion.VALUE, *_TABLES, Conversion.FIGURE, Conversion.CHART)
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
        _mask_rows(value, masker) if conversion in _TABLES else masker.mask_value(name, value)
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
    """Return a file of rows without secrets: the name of a column names its cells.

    Of two cells, the first may name the second. The names of columns, which are those of charts,
    too, may have the form of a secret.
    """
    match document:
        case {"columns": list() as columns, "rows": list() as rows}:
            if not all(isinstance(row, list) for row in rows):
                return document, 0
            masked_rows = [_mask_row(columns, row, masker) for row in rows]
            marks = sum(number for _, number in masked_rows)
            names, in_names = masker.mask_names(list(map(str, columns)))
            document = {
                **document,
                "columns": names if in_names else columns,
                "rows": [cells for cells, _ in masked_rows],
            }
        case {"curves": dict()}:
            marks = in_names = 0
        case _:
            return document, 0
    curves = document.get("curves")
    if isinstance(curves, dict):
        names, of_curves = masker.mask_names(list(map(str, curves)))
        in_names += of_curves
        if of_curves:
            document = {**document, "curves": dict(zip(names, curves.values(), strict=True))}
    return document, marks + in_names


def _mask_row(columns: list[Any], row: list[Any], masker: Masker) -> tuple[list[Any], int]:
    names = [str(name) for name in columns][: len(row)]
    match row:
        case [str() as name, str() as value] if masker.is_secret_name(name) and " " not in value:
            names[1:] = [name]
    cells = [masker.mask_value(name, cell) for name, cell in zip(names, row, strict=False)]
    return [cell for cell, _ in cells], sum(number for _, number in cells)
