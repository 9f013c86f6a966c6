"""Previews of artifacts in a W&B run; an artifact without a preview is not a loss."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mfwb.conversion.charts import HISTOGRAM, read_chart
from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import UnconvertibleError
from mfwb.conversion.panels import read_panel
from mfwb.conversion.read_table_rows import read_rows
from mfwb.errors import ItemLost
from mfwb.free_names import free_name
from mfwb.media_formats import IMAGE, PLOTLY
from mfwb.payload.conversion_cache import ConversionCache, WantedConversion
from mfwb.planning import Form, PlannedFile, PlannedRun, Preview
from mfwb.planning.names import summary_key, table_key
from mfwb.ports import Contents, ReadyMedia, ReadyPreview
from mfwb.redaction import Masked
from mfwb.safe_text import one_line

__all__ = ["build_previews", "preview_conversion"]

_CONVERSIONS = {
    Preview.TABLE: Conversion.ROWS,
    Preview.IMAGE: Conversion.IMAGE,
    Preview.IMAGES: Conversion.GALLERY,
    Preview.FIGURE: Conversion.FIGURE,
    Preview.MEDIA: Conversion.MEDIA_PANEL,
    Preview.CHART: Conversion.CHART,
}

_LARGEST = 100_000_000
"""Bytes of an image or a figure: pages show no larger ones."""

_REASON_LIMIT = 200  # letters


def preview_conversion(file: PlannedFile) -> Conversion | None:
    """Return the conversion that makes the preview of a file; None if it has no preview."""
    if file.preview is Preview.IMAGES and file.form is Form.ARRAY:
        return Conversion.ARRAY_IMAGES
    return None if file.preview is None else _CONVERSIONS[file.preview]


def build_previews(
    run: PlannedRun,
    keys: Iterable[str],
    converted: ConversionCache,
    contents: Contents,
    masked: list[Masked],
) -> Iterator[ReadyPreview]:
    """Yield the previews of a W&B run's artifacts.

    Args:
        run: the planned W&B run.
        keys: other keys of its summary; no preview uses one of these.
        converted: converts artifacts to previews, together with their files if possible.
        contents: source of the bytes.
        masked: gets the previews with secrets.
    """
    taken = {*keys, *run.summary, *(card.key for card in run.cards)}
    builder = _PreviewBuilder(run, converted, contents)
    for artifact in run.outputs:
        previews = [
            (file, preview)
            for file in artifact.files
            if file.preview is not None and (preview := builder.build(file)) is not None
        ]
        masked += [entry for file, _ in previews if (entry := builder.count_marks(file))]
        if previews:
            preview = _join(previews, len(artifact.files))
            key = free_name(preview.key, taken)
            taken.add(key)
            yield replace(preview, key=key)


class _PreviewBuilder:
    """Builds the previews of one W&B run."""

    def __init__(self, run: PlannedRun, converted: ConversionCache, contents: Contents) -> None:
        self._run = run
        self._converted = converted
        self._contents = contents

    def build(self, file: PlannedFile) -> ReadyPreview | None:
        """Return the preview of a file; None if it can't be made."""
        kind, conversion = file.preview, preview_conversion(file)
        if kind is None or conversion is None:
            return None
        try:
            path = self._converted.get(
                WantedConversion(file.content, conversion, self._run.unpickle), self._contents
            )
            return _read(file, kind, path)
        except ItemLost:
            return None  # it is reported where the artifact is read
        except UnconvertibleError as error:
            if kind not in _ALWAYS_SHOWN:
                return None  # the artifact is complete
            reason = str(error).partition(": ")[2] or str(error)
            text = f"not shown: {one_line(reason, _REASON_LIMIT)}"
            return ReadyPreview(summary_key(file.content.name), kind, value=text)
        except (OSError, ValueError):
            return None  # a trusted pickle wrote something else there

    def count_marks(self, file: PlannedFile) -> Masked | None:
        """Return the preview of a file as masked, if secrets in it are."""
        conversion = preview_conversion(file)
        marks = self._converted.count_marks(file.content, conversion) if conversion else 0
        return Masked(f"preview of {file.content.pathspec}", marks) if marks else None


_ALWAYS_SHOWN = frozenset({Preview.MEDIA, Preview.IMAGES, Preview.IMAGE, Preview.FIGURE})
"""Previews that people expect to see; where there is none, the summary says why."""


def _read(file: PlannedFile, kind: Preview, path: Path) -> ReadyPreview | None:
    """Return the preview that a conversion wrote; ValueError if an honest process does not."""
    name = file.content.name
    key = summary_key(name)
    if kind is Preview.TABLE:
        return ReadyPreview(table_key(name), kind, table=read_rows(path))
    if kind in {Preview.IMAGES, Preview.MEDIA}:
        return ReadyPreview(key, kind, media=_read_panel(path))
    if path.stat().st_size > _LARGEST:
        return None
    if kind is Preview.CHART:
        return _read_chart(name, path)
    if kind is Preview.FIGURE:
        return ReadyPreview(key, kind, media=(ReadyMedia(path, PLOTLY, "plotly.json"),))
    return ReadyPreview(key, kind, media=(ReadyMedia(path, IMAGE, "png", *_png_size(path)),))


def _read_panel(folder: Path) -> tuple[ReadyMedia, ...]:
    return tuple(
        ReadyMedia(
            folder / file.name, file.type, file.format, file.width, file.height, file.caption
        )
        for file in read_panel(folder)
    )


def _read_chart(name: str, path: Path) -> ReadyPreview | None:
    """Return a histogram or a heat map, under a key of its own: the summary has the array, too."""
    chart = read_chart(path)
    if chart is None:
        return None
    if chart.get("_type") == HISTOGRAM:
        return ReadyPreview(f"{HISTOGRAM}/{summary_key(name)}", Preview.CHART, value=chart)
    media = (ReadyMedia(path, PLOTLY, "plotly.json"),)
    return ReadyPreview(f"heatmap/{summary_key(name)}", Preview.CHART, media=media)


def _join(previews: Sequence[tuple[PlannedFile, ReadyPreview]], total: int) -> ReadyPreview:
    """Return the preview of an artifact: of several tasks' pictures a gallery, else the first.

    Args:
        previews: of the files of the artifact that have one.
        total: how many files the artifact has.
    """
    _, first = next((pair for pair in previews if pair[1].media), previews[0])
    if len(previews) == 1:
        return first
    media = [
        replace(preview.media[0], caption=PurePosixPath(file.stem).parent.as_posix())
        for file, preview in previews
        if preview.media
    ]
    if media and (left_out := total - len(media)):
        caption = f"{media[-1].caption} ({left_out:,} more of {total:,} are only in the artifact)"
        media[-1] = replace(media[-1], caption=caption)
    return replace(first, media=tuple(media))


def _png_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, from the header of a PNG."""
    with path.open("rb") as file:
        width, height = struct.unpack(">16x2I", file.read(24))
    return width, height
