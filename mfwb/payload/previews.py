"""What a W&B run shows of its artifacts; nothing is lost where there is nothing to show."""

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
"""What makes each kind of preview."""

_LARGEST = 100_000_000
"""Bytes of a picture or a figure, which is read into memory: pages show no larger ones."""


def build_previews(
    run: PlannedRun, keys: Iterable[str], converted: ConversionCache, contents: Contents
) -> Iterator[ReadyPreview]:
    """Yield the previews of a W&B run's artifacts.

    Args:
        run: as planned.
        keys: what is in its summary beside; no preview takes one of these.
        converted: what makes previews, with the files they are of if possible.
        contents: where the bytes are.
    """
    taken = {*keys, *run.summary, *(card.key for card in run.cards)}
    for artifact in run.outputs:
        for file in artifact.files:
            if file.preview is None:
                continue
            called = table_key if file.preview is Preview.TABLE else summary_key
            key = free_name(called(file.content.name), taken)
            shown = _preview(key, file, file.preview, run, converted, contents)
            if shown is not None:
                taken.add(key)
                yield shown


def _preview(  # noqa: PLR0913, PLR0917 - they are what there is to say
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
            return None  # no honest process makes such a one
        return ReadyPreview(key, kind, path=path)
    except (UnconvertibleError, ItemLost):
        return None  # the artifact has all of it, or its loss is known
    except ValueError:
        return None  # what a trusted pickle left there is no JSON
