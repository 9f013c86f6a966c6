"""Files of one offline W&B run that its summary shows: the table of tasks, and cards."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfwb.ports import ReadyCard, ReadyTable

__all__ = ["MediaFile", "place_card", "place_table", "write_table_artifact"]

_PANEL_ROWS = 10_000  # as W&B cuts it; the artifact has them all


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file below `files` of a W&B run, and what the summary says of it."""

    path: str
    said: dict[str, Any]


def place_card(card: ReadyCard, files: Path) -> MediaFile:
    """Put a card where W&B looks for HTML; on the same disk that takes no room."""
    digest = hashlib.sha256(card.path.read_bytes()).hexdigest()
    path = _media_path("html", card.key, digest, ".html")
    target = files / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(card.path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(card.path, target)
    size = card.path.stat().st_size
    return MediaFile(path, {"_type": "html-file", "sha256": digest, "size": size, "path": path})


def place_table(
    key: str, table: ReadyTable, files: Path, client_id: str, sequence_client_id: str
) -> MediaFile:
    """Put a table where W&B looks for tables.

    Args:
        key: of the table in the summary.
        table: the table.
        files: the folder `files` of the W&B run.
        client_id: of the artifact that holds the whole table.
        sequence_client_id: of that artifact's versions.
    """
    document = {"columns": table.columns, "data": table.rows[:_PANEL_ROWS]}
    data = json.dumps(document, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    path = _media_path("table", key, digest, ".table.json")
    target = files / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    said = {
        "_type": "table-file",
        "sha256": digest,
        "size": len(data),
        "artifact_path": f"wandb-client-artifact://{client_id}/{key}.table.json",
        "_latest_artifact_path": (
            f"wandb-client-artifact://{sequence_client_id}:latest/{key}.table.json"
        ),
        "path": path,
        "ncols": len(table.columns),
        "nrows": len(table.rows),
        "log_mode": "IMMUTABLE",
    }
    return MediaFile(path, said)


def write_table_artifact(table: ReadyTable, path: Path) -> None:
    """Write a table as W&B's artifacts hold it; as online, a column may hold values of any type."""
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


def _media_path(kind: str, key: str, digest: str, suffix: str) -> str:
    safe = re.sub(r"[^\w./-]", "_", key).replace("..", "__")
    return f"media/{kind}/{safe}_summary_{digest[:20]}{suffix}"
