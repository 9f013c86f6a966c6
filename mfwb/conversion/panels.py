"""Panels of images, sounds, films and pages: a folder with the files and a list of them.

Only a confined process makes panels. Images are really decoded there, so that a file which only
begins like one, or would fill the memory of a browser, gets no panel.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mfwb.conversion.array_images import images_of_array
from mfwb.conversion.arrays import load_array
from mfwb.conversion.images import PickledImage, load_pickled_images, open_image, to_pillow_image
from mfwb.conversion.media import MARKDOWN, load_media
from mfwb.conversion.read_json import read_json
from mfwb.files.rooted_files import is_plain_path
from mfwb.media_formats import IMAGE, PANELS
from mfwb.safe_text import one_line

__all__ = ["PanelFile", "read_panel", "write_array_panel", "write_gallery", "write_media_panel"]

GALLERY_LIMIT = 50
"""Images of a gallery; the artifact has all of them."""

GALLERY_SIDE = 1024
"""Pixels; larger images of a gallery are scaled down."""

FILE_LIMIT = 100_000_000
"""Bytes of a panel's file: pages show no larger ones."""

_LIST = "panel.json"
_LIST_LIMIT = 1_000_000  # bytes
_CAPTION_LIMIT = 120  # letters
_DEPTH_LIMIT = 4  # levels of lists and dicts that hold images
_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "gif": "GIF"}


@dataclass(frozen=True, slots=True)
class PanelFile:
    """One file of a panel; its fields are those of `mfwb.ports.ReadyMedia`, but for the name."""

    name: str
    type: str
    format: str
    width: int | None = None
    height: int | None = None
    caption: str | None = None


def write_media_panel(data: bytes, folder: Path) -> None:
    """Write the panel of pickled bytes or text that are a whole file."""
    content, suffix = load_media(data)
    if suffix == MARKDOWN:
        content, suffix = _render(content.decode()).encode(), "html"
    if len(content) > FILE_LIMIT:
        raise ValueError(f"{len(content):,} bytes, more than a page shows")
    width, height = _size_of_image(content, suffix) if suffix in _FORMATS else (None, None)
    is_image = PANELS[suffix] == IMAGE
    folder.mkdir()
    (folder / f"0.{suffix}").write_bytes(content)
    size = (width, height) if is_image else (None, None)
    _write_list([PanelFile(f"0.{suffix}", PANELS[suffix], suffix, *size)], folder)


def write_gallery(data: bytes, folder: Path) -> None:
    """Write the images of a pickled list or dict, the first of them if there are many."""
    every = list(_walk(load_pickled_images(data), ""))
    images = ((caption, to_pillow_image(image)) for caption, image in every)
    _write_images(images, len(every), folder)


def write_array_panel(source: Path, folder: Path) -> None:
    """Write the images of a pickled array, the first of them if there are many."""
    total, images = images_of_array(load_array(source))
    captioned = ((str(index) if total > 1 else "", image) for index, image in enumerate(images))
    _write_images(captioned, total, folder)


def read_panel(folder: Path) -> list[PanelFile]:
    """Return the files of a panel; ValueError for a list that no honest process writes."""
    too_long = "the list of a panel is too long"
    entries = read_json(folder / _LIST, "files", limit=_LIST_LIMIT, too_large=too_long)
    try:
        files = [PanelFile(**entry) for entry in entries]
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    for file in files:
        sizes = (file.width, file.height)
        is_valid = (
            is_plain_path(file.name)
            and "/" not in file.name
            and (folder / file.name).is_file()
            and file.format in PANELS
            and file.type == PANELS[file.format]
            and all(size is None or type(size) is int for size in sizes)
            and (file.caption is None or isinstance(file.caption, str))
        )
        if not is_valid or (folder / file.name).stat().st_size > FILE_LIMIT:
            raise ValueError("a file of a panel is not valid")
    if len(files) > GALLERY_LIMIT or not files:
        raise ValueError("a panel has another number of files")
    return files


def _write_list(files: Iterable[PanelFile], folder: Path) -> None:
    text = json.dumps([asdict(file) for file in files])
    (folder / _LIST).write_text(text, encoding="ascii")


def _write_images(images: Iterator[tuple[str, Any]], total: int, folder: Path) -> None:
    if not total:
        raise ValueError("it has no images")
    folder.mkdir()
    files = []
    room = FILE_LIMIT
    for number, (caption, image) in enumerate(islice(images, GALLERY_LIMIT)):
        image.thumbnail((GALLERY_SIDE, GALLERY_SIDE))
        path = folder / f"{number}.png"
        image.save(path, format="PNG")
        room -= path.stat().st_size
        if room < 0:
            path.unlink()
            break
        width, height = image.size
        label = one_line(caption, _CAPTION_LIMIT)
        files.append(PanelFile(path.name, IMAGE, "png", width, height, label))
    if not files:
        raise ValueError("its images are too large to be shown")
    if left_out := total - len(files):
        last = files.pop()
        caption = f"{last.caption} ({left_out:,} more of {total:,} are only in the artifact)"
        files.append(PanelFile(last.name, last.type, last.format, last.width, last.height, caption))
    _write_list(files, folder)


def _walk(value: Any, caption: str, level: int = 0) -> Iterator[tuple[str, PickledImage]]:
    """Yield the images in lists and dicts, each with its index or key."""
    if isinstance(value, PickledImage):
        yield caption, value
    elif level < _DEPTH_LIMIT and isinstance(value, (dict, list, tuple)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            own = str(key) if isinstance(key, (str, int, float)) else "..."
            yield from _walk(item, f"{caption}/{own}" if caption else own, level + 1)


def _size_of_image(content: bytes, suffix: str) -> tuple[int, int]:
    """Return the size of an image that can be decoded to its end; else any error."""
    width, height = open_image(content, _FORMATS[suffix]).size
    return width, height


_STYLE = (
    "body{font:14px/1.5 sans-serif;color:#222;max-width:50em;margin:1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em .7em}"
    "pre{background:#f5f5f5;padding:.7em;overflow-x:auto}"
    "blockquote{border-left:3px solid #ccc;margin-left:0;padding-left:1em;color:#555}"
    "img{max-width:100%}"
)


def _render(text: str) -> str:
    """Return Markdown as an HTML page; HTML inside of it stays text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - few flows have Markdown

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )
