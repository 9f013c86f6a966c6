"""Media files of a W&B run's summary: tables, cards, images and figures."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mfwb.files.rooted_files import is_plain_path
from mfwb.media_formats import AUDIO, HTML, IMAGE, PLOTLY, VIDEO
from mfwb.planning.names import artifact_name
from mfwb.ports import ReadyCard, ReadyMedia, ReadyPreview, ReadyTable

__all__ = [
    "Panel",
    "add_card",
    "add_preview",
    "add_table",
    "describe_panels",
    "table_file",
    "write_table_artifact",
]

_MAX_PART_LENGTH = 100  # letters; a file name has 255 bytes at most, and a suffix follows
_MAX_PANEL_ROWS = 10_000  # W&B's own limit; the artifact has all rows


@dataclass(frozen=True, slots=True)
class Panel:
    """Files below `files` of a W&B run, and their value in the summary."""

    paths: tuple[str, ...]
    summary_value: dict[str, Any]


def add_card(card: ReadyCard, files: Path) -> Panel:
    """Add a card to W&B's folder for HTML."""
    return _add_file(ReadyMedia(card.path, HTML, "html"), files, card.key)


def add_preview(preview: ReadyPreview, files: Path) -> Panel:
    """Add the files of a preview to W&B's folders for them."""
    if len(preview.media) > 1:
        return _add_gallery(preview, files)
    [media] = preview.media
    return _add_file(media, files, preview.key)


def describe_panels(
    cards: Iterable[ReadyCard], previews: Iterable[ReadyPreview]
) -> dict[str, dict[str, Any]]:
    """Return the panels of cards and previews without their tables: W&B's value of each, by key."""
    panels = {
        card.key: _describe(ReadyMedia(card.path, HTML, "html"), card.key).summary_value
        for card in cards
    }
    for preview in previews:
        if preview.media:
            described = [_describe(media, preview.key) for media in preview.media]
            panel = described[0] if len(described) == 1 else _gallery(preview, described)
            panels[preview.key] = panel.summary_value
        elif isinstance(preview.value, dict) and "_type" in preview.value:  # a histogram
            panels[preview.key] = preview.value
    return panels


def _add_gallery(preview: ReadyPreview, files: Path) -> Panel:
    """Add several images, which W&B shows together, as the SDK does for a list of images."""
    return _gallery(preview, [_add_file(media, files, preview.key) for media in preview.media])


def _gallery(preview: ReadyPreview, images: Iterable[Panel]) -> Panel:
    paths = tuple(panel.paths[0] for panel in images)
    first = preview.media[0]
    summary_value = {
        "_type": "images/separated",
        "width": first.width,
        "height": first.height,
        "format": first.format,
        "count": len(paths),
        "filenames": list(paths),
        "captions": [media.caption or "" for media in preview.media],
    }
    return Panel(tuple(dict.fromkeys(paths)), summary_value)


_FOLDERS = {
    IMAGE: "images",
    AUDIO: "audio",
    VIDEO: "videos",
    HTML: "html",
    PLOTLY: "plotly",
}
"""W&B's folder for the files of each type of panel."""


def _add_file(media: ReadyMedia, files: Path, key: str) -> Panel:
    """Add a file to those of a W&B run; on the same disk it is linked, not copied."""
    panel, source = _describe(media, key), media.path
    target = files / panel.paths[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not target.exists():  # a gallery may have the same image twice
            os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
    return panel


def _describe(media: ReadyMedia, key: str) -> Panel:
    """Return the panel of a file; its path and its value depend only on key and content."""
    with media.path.open("rb") as file:
        digest = _sha256_of(file)
        size = file.tell()
    path = _media_path(_FOLDERS[media.type], key, digest, f".{media.format}")
    summary_value = {"_type": media.type, "sha256": digest, "size": size, "path": path}
    if media.caption is not None:
        summary_value["caption"] = media.caption
    if media.width is not None:
        summary_value |= {"format": media.format, "width": media.width, "height": media.height}
    return Panel((path,), summary_value)


def _sha256_of(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def add_table(
    key: str, table: ReadyTable, files: Path, client_id: str, sequence_client_id: str
) -> Panel:
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
    return Panel((path,), summary_value)


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
