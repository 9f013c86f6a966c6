"""Previews of artifacts in a W&B run; an artifact without a preview is not a loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import UnconvertibleError
from mfwb.conversion.table_rows import read_rows
from mfwb.errors import ItemLost
from mfwb.payload.conversion_cache import ConversionCache
from mfwb.planning import PlannedFile, PlannedRun, Preview
from mfwb.planning.names import free_name, summary_key, table_key
from mfwb.ports import Contents, ReadyPreview

__all__ = ["CONVERSIONS", "build_previews"]

CONVERSIONS = {
    Preview.TABLE: Conversion.ROWS,
    Preview.IMAGE: Conversion.IMAGE,
    Preview.FIGURE: Conversion.FIGURE,
}
"""The conversion for each kind of preview."""

_LARGEST = 100_000_000
"""Bytes of an image or a figure, which is read into memory: pages show no larger ones."""


def build_previews(
    run: PlannedRun, keys: Iterable[str], converted: ConversionCache, contents: Contents
) -> Iterator[ReadyPreview]:
    """Yield the previews of a W&B run's artifacts.

    Args:
        run: the planned W&B run.
        keys: other keys of its summary; no preview uses one of these.
        converted: converts artifacts to previews, together with their files if possible.
        contents: source of the bytes.
    """
    taken = {*keys, *run.summary, *(card.key for card in run.cards)}
    for artifact in run.outputs:
        for file in artifact.files:
            if file.preview is None:
                continue
            key_for = table_key if file.preview is Preview.TABLE else summary_key
            key = free_name(key_for(file.content.name), taken)
            preview = _preview(key, file, file.preview, run, converted, contents)
            if preview is not None:
                taken.add(key)
                yield preview


def _preview(  # noqa: PLR0913, PLR0917 - all of them describe the preview
    key: str,
    file: PlannedFile,
    kind: Preview,
    run: PlannedRun,
    converted: ConversionCache,
    contents: Contents,
) -> ReadyPreview | None:
    try:
        path = converted.get(file.content, CONVERSIONS[kind], run.unpickle, contents)
        if kind is Preview.TABLE:
            return ReadyPreview(key, kind, table=read_rows(path))
        if path.stat().st_size > _LARGEST:
            return None  # an honest process does not write such a file
        return ReadyPreview(key, kind, path=path)
    except (UnconvertibleError, ItemLost):
        return None  # the artifact is complete, or its loss is reported
    except ValueError:
        return None  # a trusted pickle wrote something else than JSON there
