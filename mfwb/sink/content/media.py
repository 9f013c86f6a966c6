"""Media files of a W&B run's summary: tables, cards, images and figures."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mfwb.files.rooted_files import is_plain_path
from mfwb.planning import Preview
from mfwb.planning.names import artifact_name
from mfwb.ports import ReadyCard, ReadyPreview, ReadyTable

__all__ = [
    "MediaFile",
    "add_card",
    "add_preview",
    "add_table",
    "table_file",
    "write_table_artifact",
]

_MAX_PART_LENGTH = 100  # letters; a file name has 255 bytes at most, and a suffix follows
_MAX_PANEL_ROWS = 10_000  # W&B's own limit; the artifact has all rows


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file below `files` of a W&B run, and its value in the summary."""

    path: str
    summary_value: dict[str, Any]


def add_card(card: ReadyCard, files: Path) -> MediaFile:
    """Add a card to W&B's folder for HTML."""
    return _add_file(card.path, files, _Kind("html", ".html", "html-file"), card.key)


def add_preview(preview: ReadyPreview, files: Path) -> MediaFile:
    """Add an image or a figure to W&B's folder for it."""
    if preview.path is None:
        raise AssertionError(preview.kind)
    media = _add_file(preview.path, files, _KINDS[preview.kind], preview.key)
    if preview.kind is Preview.IMAGE:
        width, height = _png_size(preview.path)
        media.summary_value.update(format="png", width=width, height=height)
    return media


class _Kind(NamedTuple):
    folder: str
    suffix: str
    type: str


_KINDS = {
    Preview.IMAGE: _Kind("images", ".png", "image-file"),
    Preview.FIGURE: _Kind("plotly", ".plotly.json", "plotly-file"),
}


def _add_file(source: Path, files: Path, kind: _Kind, key: str) -> MediaFile:
    """Add a file to those of a W&B run; on the same disk it is linked, not copied."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    path = _media_path(kind.folder, key, digest, kind.suffix)
    target = files / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
    size = source.stat().st_size
    return MediaFile(path, {"_type": kind.type, "sha256": digest, "size": size, "path": path})


def _png_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, from the header of a PNG."""
    with path.open("rb") as file:
        width, height = struct.unpack(">16x2I", file.read(24))
    return width, height


def add_table(
    key: str, table: ReadyTable, files: Path, client_id: str, sequence_client_id: str
) -> MediaFile:
    """Add a table to W&B's folder for tables.

    Args:
        key: the key of the table in the summary.
        table: the table.
        files: the folder `files` of the W&B run.
        client_id: the client id of the artifact with the whole table.
        sequence_client_id: the client id of all versions of that artifact.
    """
    document = {"columns": table.columns, "data": table.rows[:_MAX_PANEL_ROWS]}
    data = json.dumps(document, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    path = _media_path("table", key, digest, ".table.json")
    target = files / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    summary_value = {
        "_type": "table-file",
        "sha256": digest,
        "size": len(data),
        "artifact_path": f"wandb-client-artifact://{client_id}/{table_file(key)}",
        "_latest_artifact_path": (
            f"wandb-client-artifact://{sequence_client_id}:latest/{table_file(key)}"
        ),
        "path": path,
        "ncols": len(table.columns),
        "nrows": len(table.rows),
        "log_mode": "IMMUTABLE",
    }
    return MediaFile(path, summary_value)


def table_file(key: str) -> str:
    """Return the file name of a table in its artifact: W&B's own name, if it is a safe path."""
    name = f"{key}.table.json"
    return name if is_plain_path(name) else f"{artifact_name(key)}.table.json"


def write_table_artifact(table: ReadyTable, path: Path) -> None:
    """Write a table in the format of W&B's artifacts; a column may hold values of any type."""
    anything = {
        "wb_type": "union",
        "params": {"allowed_types": [{"wb_type": "any"}, {"wb_type": "none"}]},
    }
    document = {
        "_type": "table",
        "columns": table.columns,
        "column_types": {
            "wb_type": "typedDict",
            "params": {"type_map": dict.fromkeys(table.columns, anything)},
        },
        "data": table.rows,
        "ncols": len(table.columns),
        "nrows": len(table.rows),
        "log_mode": "IMMUTABLE",
    }
    path.write_text(json.dumps(document, sort_keys=True), encoding="utf-8")


def _shorten(part: str) -> str:
    return f"{part[:_MAX_PART_LENGTH]}-{hashlib.sha256(part.encode()).hexdigest()[:12]}"


def _media_path(kind: str, key: str, digest: str, suffix: str) -> str:
    return f"media/{kind}/{_safe_path(key)}_summary_{digest[:20]}{suffix}"


def _safe_path(key: str) -> str:
    """Return a key as a path that stays in its folder; the key may be any text."""
    safe = re.sub(r"[^\w./-]", "_", key).replace("..", "__")
    parts = [part if len(part) <= _MAX_PART_LENGTH else _shorten(part) for part in safe.split("/")]
    return "/".join(part for part in parts if part not in ("", ".")) or "_"
