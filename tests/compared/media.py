"""Pictures and other media: what W&B shows of them. Plain rules, from docs/mapping.md."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tests.compared.metaflow_facts import Held, TaskFacts
from tests.compared.wandb_facts import WandbRunFacts

__all__ = ["differences_of_panels", "ending_of", "has_images", "is_image"]

_BYTES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
    b"ID3": "mp3",
    b"OggS": "ogg",
    b"fLaC": "flac",
    b"%PDF-": "pdf",
}
_SHOWN = {"gif": "video-file", "mp4": "video-file", "html": "html-file", "md": "html-file"} | {
    **dict.fromkeys(("png", "jpg", "webp"), "image-file"),
    **dict.fromkeys(("wav", "mp3", "ogg", "flac"), "audio-file"),
}
_DRAWN = {*_SHOWN.values(), "images/separated", "histogram", "plotly-file"}
_MOST_IMAGES = 50


def ending_of(name: str, value: Any) -> str | None:
    """Return the ending of the file that bytes or a text are; None if they are none."""
    if isinstance(value, bytes):
        if value[:4] == b"RIFF" and value[8:12] in {b"WAVE", b"WEBP"}:
            return {b"WAVE": "wav", b"WEBP": "webp"}[value[8:12]]
        if value[4:8] == b"ftyp" and value[8:11] in {b"iso", b"mp4", b"avc"}:
            return "mp4"
        return next((end for start, end in _BYTES.items() if value.startswith(start)), None)
    if isinstance(value, str):
        if value.lstrip().lower().startswith(("<!doctype html", "<html")):
            return "html"
        return "md" if name in {"readme", "markdown"} or name.endswith("_md") else None
    return None


def is_image(value: Any) -> bool:
    """Whether it is an image of Pillow."""
    return isinstance(value, Image.Image)


def has_images(value: Any) -> bool:
    """Whether it is a list or dict with images of Pillow."""
    return bool(_images_in(value, 0)) and not is_image(value)


def _images_in(value: Any, level: int) -> list[Image.Image]:
    if isinstance(value, Image.Image):
        return [value]
    parts = list(value.values()) if isinstance(value, dict) else value
    if level > 3 or not isinstance(parts, list | tuple):
        return []
    return [image for part in parts for image in _images_in(part, level + 1)]


def differences_of_panels(
    tasks: Sequence[TaskFacts], run: WandbRunFacts, *, merged: bool
) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, what Metaflow has and what W&B shows, where these differ.

    Args:
        tasks: of the W&B run.
        run: the W&B run.
        merged: whether it stands for several tasks.
    """
    for key, shown in run.summary.items():
        drawn = run.history.get(0, {}).get(key)
        if isinstance(shown, dict) and shown.get("_type") in _DRAWN and drawn != shown:
            yield f"history[0].{key}", shown, drawn
    by_name: dict[str, list[Held]] = {}
    for task in tasks:
        for name, held in task.held.items():
            by_name.setdefault(name, []).append(held)
    for name, every in by_name.items():
        yield from _of_panel(name, [held.value for held in every], run, merged=merged)
        if isinstance(every[0].value, np.ndarray):
            yield from _of_charts(name, every[0].value, run)


def _of_panel(
    name: str, values: Sequence[Any], run: WandbRunFacts, *, merged: bool
) -> Iterator[tuple[str, Any, Any]]:
    first, shown = values[0], run.summary.get(name)
    panel = _SHOWN.get(ending_of(name, first) or "")
    if is_image(first) or panel == "image-file":
        pictures = [value for value in values if _is_decodable(value)]
        reason = str(shown).startswith("not shown: ")
        if not (_shows(pictures, shown, run, merged=merged) if pictures else reason):
            yield name, f"{len(pictures)} images", shown
    elif panel is not None:
        if not _is_file(name, first, shown, panel, run):
            yield name, panel, shown
    elif has_images(first):
        images = _images_in(first, 0)
        if not _shows(images, shown, run, merged=False):
            yield name, f"{len(images)} images", shown


def _is_file(name: str, value: Any, shown: Any, panel: str, run: WandbRunFacts) -> bool:
    """Whether a panel has the very file; Markdown is rendered."""
    if not isinstance(shown, dict) or shown["_type"] != panel:
        return False
    content = value.encode() if isinstance(value, str) else value
    return ending_of(name, value) == "md" or run.files.get(shown["path"]) == content


def _is_decodable(value: Any) -> bool:
    if isinstance(value, bytes):
        try:
            Image.open(io.BytesIO(value)).load()
        except (OSError, Image.DecompressionBombError):
            return False
    return True


def _shows(pictures: Sequence[Any], shown: Any, run: WandbRunFacts, *, merged: bool) -> bool:
    """Whether a panel has these pictures: a single one, or a gallery."""
    if not isinstance(shown, dict):
        return False
    paths = shown.get("filenames") or [shown.get("path")]
    own = pictures if merged or len(pictures) > 1 else pictures[:1]
    return len(paths) == min(len(own), _MOST_IMAGES) and all(
        _is_same(picture, run.files.get(path, b""))
        for picture, path in zip(own, paths, strict=False)
    )


def _is_same(picture: Any, content: bytes) -> bool:
    if isinstance(picture, bytes):
        return picture == content
    shown = Image.open(io.BytesIO(content))
    own = picture.convert("RGB").tobytes()
    return bool(shown.size == picture.size and shown.convert("RGB").tobytes() == own)


def _of_charts(
    name: str, array: np.ndarray[Any, Any], run: WandbRunFacts
) -> Iterator[tuple[str, Any, Any]]:
    is_number = array.dtype.kind in "iuf"
    is_series = is_number and array.ndim == 1 and np.isfinite(array).sum() >= 10
    histogram: Any = run.summary.get(f"histogram/{name}")
    if is_series != (histogram is not None):
        yield f"histogram/{name}", is_series, histogram
    elif is_series and sum(histogram["values"]) != np.isfinite(array).sum():
        yield f"histogram/{name}", array.size, histogram
    is_matrix = is_number and array.ndim == 2 and 2 <= min(array.shape) <= max(array.shape) <= 50
    figure: Any = run.summary.get(f"heatmap/{name}")
    if is_matrix != (figure is not None):
        yield f"heatmap/{name}", is_matrix, figure
    elif is_matrix:
        [trace] = json.loads(run.files[figure["path"]])["data"]
        cells = [[None if cell != cell else cell for cell in row] for row in array.tolist()]  # noqa: PLR0124
        if trace["z"] != cells:
            yield f"heatmap/{name}", cells, trace["z"]
