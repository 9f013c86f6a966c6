"""The W&B run of a whole flow run, and foreachs, against what Metaflow's client says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.compared.metaflow_facts import TaskFacts
from tests.compared.wandb_facts import WandbRunFacts
from tests.support.wandb_server import ArtifactVersion

__all__ = ["flat_foreach", "of_foreach", "of_panels", "version_paths", "without_choice"]

_SCALARS = (str, int, float, bool)
_CAPPED = 20  # letters; Metaflow keeps the beginning of an item's text


def of_foreach(task: TaskFacts, config: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between a task's foreach frames and config: item, Metaflow, W&B."""
    reported = config.get("foreach")
    if not task.frames:
        if reported is not None:
            yield "foreach", None, reported
        return
    if not isinstance(reported, dict):
        yield "foreach", task.frames, reported
        return
    *outer, inner = task.frames
    for frame, level in [(inner, reported), *((frame, reported.get(frame[0])) for frame in outer)]:
        _, index, text = frame
        if not isinstance(level, dict) or level.get("index") != index:
            yield "foreach index", index, level
            continue
        item = level.get("item")
        is_text = isinstance(item, _SCALARS) and text is not None
        if is_text and str(item)[:_CAPPED] != str(text)[:_CAPPED]:
            yield "foreach item", text, item


def flat_foreach(columns: list[str]) -> list[str]:
    """Return the columns of a table that are of foreachs."""
    return [name for name in columns if name.startswith("foreach.")]


def without_choice(reported: Any, values: list[Any]) -> Any:
    """Return statistics without the chosen number, which has to be one of the values."""
    if not isinstance(reported, dict) or reported.get("chosen", values) not in values:
        return reported
    return {name: number for name, number in reported.items() if name != "chosen"}


def of_panels(run: WandbRunFacts, tasks: list[str]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs of tables and figures: item, Metaflow, W&B."""
    columns, rows = run.table("tasks")
    reported = [row[columns.index("task")] for row in rows]
    if sorted(reported) != sorted(tasks):
        yield "table tasks", tasks, reported
    columns, rows = run.table("steps")
    steps = sorted({task.split("/")[2] for task in tasks})
    if sorted(row[columns.index("step")] for row in rows) != steps:
        yield "table steps", steps, rows
    for key in ("timeline", "lineage"):
        figure = json.loads(run.files[run.summary[key]["path"]])
        if not figure["data"]:
            yield key, "a figure", figure


def version_paths(versions: list[ArtifactVersion]) -> set[str]:
    """Return the paths of versions."""
    return {version.path for version in versions}
