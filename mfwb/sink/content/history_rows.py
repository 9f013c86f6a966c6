"""The rows of a W&B run's history: charts, and panels at step 0."""

from __future__ import annotations

from typing import Any

from mfwb.ports import ReadyRun
from mfwb.sink.content.media import describe_panels

__all__ = ["build_rows"]


def build_rows(ready: ReadyRun) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of the history, steps ascending.

    W&B draws its own panels only of history. So cards, pictures and other media are in the row of
    step 0, too, as after `run.log({"plot": wandb.Image(...)})`: the value is the summary's, and the
    file is uploaded once. Tables are in the summary only: their value changes with each upload, and
    W&B can't replace a row.
    """
    rows = {step: dict[str, Any](row) for step, row in ready.history}
    if panels := describe_panels(ready.cards, ready.previews):
        rows[0] = {**panels, **rows.get(0, {})}
    return sorted(rows.items())
