"""The artifacts of a page: type, size, preview, and which step made and used each."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from mfwb.lineage import Evidence
from mfwb.pipeline.report_material import (
    ArtifactPreview,
    MaterialRun,
    PreviewImage,
    ReportMaterial,
    value_names,
)
from mfwb.ports import ReadyTable
from mfwb.report.html.drawings import draw_histogram
from mfwb.report.html.model import Artifact, ArtifactUse, Cell, Image, Preview, Table
from mfwb.report.html.texts import name_text, number_text, value_text
from mfwb.report.lineage.phrases import size_of, type_of
from mfwb.report.lineage.steps import Made, StepView, views_of
from mfwb.snapshot.pathspec import step_of

__all__ = ["ARTIFACTS_LIMIT", "build_artifacts", "build_table"]

ARTIFACTS_LIMIT = 500
"""Artifacts of a page, each counted once for a step."""

_VALUE = 1_500  # letters of a value
_CELL = 120  # letters of a cell
_ROWS, _COLUMNS = 10, 24
_TASK_ROWS = 12
_IMAGES = 8
_TYPES = {"png": "png", "jpg": "jpeg", "gif": "gif", "webp": "webp"}


def build_artifacts(material: ReportMaterial, prefix: str) -> tuple[Artifact, ...]:
    """Return the artifacts that steps made, in the order of the graph."""
    views = views_of(material.traced)
    uses = _uses(views)
    runs = {
        step_of(run.planned.tasks[0].pathspec): run for run in material.runs if run.planned.tasks
    }
    artifacts: list[Artifact] = []
    for view in views:
        for made in view.made:
            anchor = f"{prefix}artifact-{len(artifacts)}"
            artifacts.append(
                _artifact(
                    anchor, view, made, runs.get(view.name), uses.get((view.name, made.name), ())
                )
            )
    return tuple(artifacts)


def _uses(views: Sequence[StepView]) -> dict[tuple[str, str], tuple[ArtifactUse, ...]]:
    uses: dict[tuple[str, str], dict[str, str]] = {}
    for view in views:
        for used in view.used:
            note = {
                Evidence.AVAILABLE: "perhaps",
                Evidence.FOREACH_INPUT: "an item each",
            }.get(used.evidence, "")
            uses.setdefault((used.step, used.name), {}).setdefault(view.name, note)
    return {
        key: tuple(ArtifactUse(name_text(step), note) for step, note in by_step.items())
        for key, by_step in uses.items()
    }


def _artifact(
    anchor: str,
    view: StepView,
    made: Made,
    run: MaterialRun | None,
    uses: tuple[ArtifactUse, ...],
) -> Artifact:
    total = len(view.tasks)
    return Artifact(
        anchor=anchor,
        step=name_text(view.name),
        name=name_text(made.name),
        type=type_of(made.refs),
        size=size_of(made.refs),
        tasks="" if total == 1 else f"{len(made.tasks):,} of {total:,} tasks",
        uses=uses,
        previews=() if run is None else tuple(_previews(made, run)),
        content=made.refs[0].sha1[:12] if len({ref.sha1 for ref in made.refs}) == 1 else "",
    )


def _previews(made: Made, run: MaterialRun) -> list[Preview]:
    previews = [_preview(preview) for preview in run.previews.get(made.name, ())]
    value = _value(made, run)
    return [*([value] if value is not None else []), *previews]


def _value(made: Made, run: MaterialRun) -> Preview | None:
    """Return the value of an artifact: as it is, or over all tasks and then of the first ones."""
    planned = value_names(run.planned).get(made.name)
    if planned is None:
        return None
    value = run.values.summary.get(planned.key)
    if not run.planned.merged:
        return None if value is None else Preview(text=value_text(value, _VALUE))
    table = _by_task(planned.key, run.values.table)
    if isinstance(value, Mapping) and value.keys() == {"min", "max", "mean"}:
        text = ", ".join(f"{key} {number_text(value[key])}" for key in ("min", "mean", "max"))
        return Preview(text=text, table=table)
    return Preview(table=table) if table is not None else None


def _by_task(key: str, table: ReadyTable | None) -> Table | None:
    if table is None or key not in table.columns:
        return None
    column = table.columns.index(key)
    rows = [(row[0], row[column]) for row in table.rows if row[column] is not None]
    if not rows:
        return None
    return build_table(ReadyTable(("task", name_text(key)), tuple(rows)), rows=_TASK_ROWS)


def _preview(preview: ArtifactPreview) -> Preview:
    if preview.table is not None:
        return Preview(table=build_table(preview.table, is_whole=False))
    if preview.images:
        shown = preview.images[:_IMAGES]
        more = len(preview.images) - len(shown)
        note = f"{more:,} more images" if more else ""
        return Preview(images=tuple(map(_image, shown)), note=note)
    if preview.histogram is not None:
        return Preview(histogram=draw_histogram(preview.histogram))
    return Preview(note=name_text(preview.text))


def _image(image: PreviewImage) -> Image:
    if image.data is None:
        return Image("", name_text(image.caption) or "too large for this page")
    data = base64.b64encode(image.data).decode()
    return Image(f"data:image/{_TYPES[image.format]};base64,{data}", name_text(image.caption))


def build_table(table: ReadyTable, *, rows: int = _ROWS, is_whole: bool = True) -> Table:
    """Return the first rows and columns of a table, as texts.

    Args:
        table: the table.
        rows: how many rows are shown at most.
        is_whole: whether it has all rows; a preview has only the first ones.
    """
    columns = table.columns[:_COLUMNS]
    shown = table.rows[:rows]
    notes = []
    if len(table.rows) > len(shown):
        every = f" of {len(table.rows):,}" if is_whole else ""
        notes.append(f"the first {len(shown):,}{every} rows")
    if len(table.columns) > len(columns):
        notes.append(f"{len(columns):,} of {len(table.columns):,} columns")
    return Table(
        tuple(name_text(str(column), _CELL) for column in columns),
        tuple(tuple(_cell(item) for item in row[:_COLUMNS]) for row in shown),
        ", ".join(notes),
    )


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Cell(name_text(value_text(value, _CELL), _CELL), is_number)
