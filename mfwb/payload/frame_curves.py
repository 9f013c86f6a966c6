"""Curves in the tables of a W&B run, as in a log of training."""

from __future__ import annotations

from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import UnconvertibleError
from mfwb.conversion.curve_shapes import Columns
from mfwb.conversion.table_curves import read_columns
from mfwb.errors import ItemLost
from mfwb.payload.conversion_cache import ConversionCache, WantedConversion
from mfwb.payload.curves import LABELLED_CURVES_LIMIT
from mfwb.planning import Form, PlannedFile, PlannedRun
from mfwb.planning.names import summary_key
from mfwb.ports import Contents

__all__ = ["find_frame_curves", "may_have_curves"]


def may_have_curves(file: PlannedFile, run: PlannedRun) -> bool:
    """Return whether an artifact is a table that may be drawn in a W&B run."""
    is_drawn = not run.merged or len(run.tasks) <= LABELLED_CURVES_LIMIT
    is_table = file.form is Form.PARQUET
    return is_table and is_drawn and summary_key(file.content.name) not in run.no_curves


def find_frame_curves(
    run: PlannedRun, converted: ConversionCache, contents: Contents
) -> dict[str, dict[str, Columns]]:
    """Return the columns of tables that are curves, by summary key and by pathspec of the task.

    A table that can't be converted has none; its artifact has the pickle then.
    """
    curves: dict[str, dict[str, Columns]] = {}
    for artifact in run.outputs:
        for file in artifact.files:
            if not may_have_curves(file, run):
                continue
            key = summary_key(file.content.name)
            columns = _columns(file, run, converted, contents, named=key in run.named_curves)
            if columns is not None:
                curves.setdefault(key, {})[file.content.task] = columns
    return curves


def _columns(
    file: PlannedFile,
    run: PlannedRun,
    converted: ConversionCache,
    contents: Contents,
    *,
    named: bool,
) -> Columns | None:
    if file.preview is None and converted.has_failed(file.content, Conversion.TABLE):
        return None  # nothing else needs it loaded once more
    conversions = [Conversion.ROWS, Conversion.CURVES] if named else [Conversion.ROWS]
    for conversion in conversions:
        try:
            path = converted.get(WantedConversion(file.content, conversion, run.unpickle), contents)
            columns = read_columns(path)
        except (UnconvertibleError, ItemLost, ValueError):
            return None
        if columns is not None:
            return columns
    return None
