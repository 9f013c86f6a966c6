"""Conversions of a pickle to files; `converter_child` runs them in its own process."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

from mfwb.conversion.arrays import load_array, write_npy
from mfwb.conversion.charts import write_chart
from mfwb.conversion.images import load_pickled_image, write_figure_png, write_image_png
from mfwb.conversion.json_files import load_value, write_json
from mfwb.conversion.media import write_media
from mfwb.conversion.panels import write_array_panel, write_gallery, write_media_panel
from mfwb.conversion.parquet_check import describe_alteration
from mfwb.conversion.plotly import load_figure, write_figure
from mfwb.conversion.table_rows import write_rows
from mfwb.conversion.tables import (
    Table,
    as_table,
    as_tables,
    load_frame,
    load_frames,
    write_parquet,
)
from mfwb.conversion.trusted import load_trusted

__all__ = ["Conversion", "Job", "convert"]

_NAME_LIMIT = 100  # characters; file systems take 255 bytes
_HASH_LENGTH = 8
_TABLES_AT_LEAST = 100_000_000
_TABLES_PER_BYTE = 20
"""Bytes that the files of one pickle may take, per byte of it."""


class Conversion(str, Enum):
    """The kind of result of a conversion."""

    TABLE = "table"  # a parquet file
    TABLES = "tables"  # a folder of parquet files
    ROWS = "rows"  # JSON of the first rows of a table
    ARRAY = "array"  # a .npy file
    VALUE = "value"  # JSON
    IMAGE = "image"  # a PNG for a page
    WHOLE_IMAGE = "whole image"  # a PNG with all pixels
    FIGURE = "figure"  # JSON of a plotly figure
    PLUGIN = "plugin"  # a folder that a converter of another package fills
    MEDIA = "media"  # a folder with the file that bytes or a text are
    MEDIA_PANEL = "media panel"  # a folder with the panel of that file
    GALLERY = "gallery"  # a folder with the panel of images in a list or dict
    ARRAY_IMAGES = "array images"  # a folder with the panel of images in an array
    CHART = "chart"  # JSON of a histogram or heat map


@dataclass(frozen=True, slots=True)
class Job:
    """One pickle to convert, and the destination of its files.

    Attributes:
        conversion: the conversion to apply.
        source: the file of the pickle.
        target: a path that does not exist yet.
        rows: for a TABLE, also a path for its ROWS, which may stay empty; for an ARRAY, for its
            CHART, and for a WHOLE_IMAGE for its IMAGE.
        plugin: for PLUGIN, the name of the entry point.
        trusted: whether the pickle may run any code.
    """

    conversion: Conversion
    source: Path
    target: Path
    rows: Path | None = None
    plugin: str = ""
    trusted: bool = False


def convert(job: Job) -> str:
    """Convert the pickle of a job; any error if that is impossible.

    Returns:
        How the files differ from the pickle, so that the pickle is needed, too; empty if not.
    """
    return _CONVERSIONS[job.conversion](job) or ""


# No function keeps a reference to the bytes of a pickle: they take as much memory as the value.


def _table(job: Job) -> str:
    table = _load_table(job)
    if job.rows is not None:
        with suppress(Exception):  # a failed preview must not cost the table
            write_rows(table, job.rows)
    write_parquet(table, job.target)
    return describe_alteration(table, job.target)


def _load_table(job: Job) -> Table:
    if job.trusted:
        return as_table(load_trusted(job.source))
    return load_frame(job.source)


def _tables(job: Job) -> str:
    tables = as_tables(load_trusted(job.source)) if job.trusted else load_frames(job.source)
    job.target.mkdir()
    names: set[str] = set()
    altered = ""
    left = _TABLES_AT_LEAST + _TABLES_PER_BYTE * job.source.stat().st_size
    for key, table in tables:
        name = _file_name(key, names)
        names.add(name.casefold())
        path = job.target / f"{name}.parquet"
        write_parquet(table, path)
        left -= path.stat().st_size
        if left < 0:  # a pickle can repeat one table under many keys, with a few bytes for each
            raise ValueError("its tables take far more than its pickle")
        if not altered and (changed := describe_alteration(table, path)):
            altered = f"{name}: {changed}"
    return altered


def _rows(job: Job) -> None:
    write_rows(_load_table(job), job.target)


def _array(job: Job) -> None:
    array = _load_array(job)
    write_npy(array, job.target)
    if job.rows is not None:
        with suppress(Exception):  # a failed preview must not cost the array
            write_chart(array, job.rows)


def _load_array(job: Job) -> Any:
    return load_trusted(job.source) if job.trusted else load_array(job.source)


def _chart(job: Job) -> None:
    write_chart(_load_array(job), job.target)


def _media(job: Job) -> None:
    write_media(job.source.read_bytes(), job.target)


def _media_panel(job: Job) -> None:
    write_media_panel(job.source.read_bytes(), job.target)


def _gallery(job: Job) -> None:
    write_gallery(job.source.read_bytes(), job.target)


def _array_images(job: Job) -> None:
    write_array_panel(job.source, job.target)


def _value(job: Job) -> None:
    write_json(load_value(job.source.read_bytes()), job.target)


def _image(job: Job) -> None:
    try:
        image: Any = load_pickled_image(job.source.read_bytes())
    except Exception:
        if not job.trusted:
            raise
        write_figure_png(load_trusted(job.source), job.target)
    else:
        write_image_png(image, job.target)


def _whole_image(job: Job) -> None:
    image = load_pickled_image(job.source.read_bytes())
    write_image_png(image, job.rows or job.target, whole=job.target)


def _figure(job: Job) -> None:
    write_figure(load_figure(job.source.read_bytes()), job.target)


def _plugin(job: Job) -> None:
    from mfwb.conversion.plugins import convert_with  # noqa: PLC0415 - most have none

    job.target.mkdir()
    convert_with(job.plugin, job.source, job.target)
    if not any(job.target.iterdir()):
        raise ValueError(f"the converter {job.plugin} made no file from it")


_CONVERSIONS: dict[Conversion, Callable[[Job], str | None]] = {
    Conversion.TABLE: _table,
    Conversion.TABLES: _tables,
    Conversion.ROWS: _rows,
    Conversion.ARRAY: _array,
    Conversion.VALUE: _value,
    Conversion.IMAGE: _image,
    Conversion.WHOLE_IMAGE: _whole_image,
    Conversion.FIGURE: _figure,
    Conversion.PLUGIN: _plugin,
    Conversion.MEDIA: _media,
    Conversion.MEDIA_PANEL: _media_panel,
    Conversion.GALLERY: _gallery,
    Conversion.ARRAY_IMAGES: _array_images,
    Conversion.CHART: _chart,
}


def _file_name(key: str, taken: set[str]) -> str:
    """Return a key as a file name for any file system; keys that would collide get a hash."""
    name = re.sub(r"[^A-Za-z0-9_\-.]", "_", key).lstrip(".") or "_"
    if len(name) <= _NAME_LIMIT and name.casefold() not in taken:
        return name
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    name = f"{name[: _NAME_LIMIT - _HASH_LENGTH - 3]}-{digest}"
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
