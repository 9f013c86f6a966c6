"""Keys of all that a W&B run shows of artifacts and cards."""

from __future__ import annotations

from mfwb.planning.names import summary_key
from mfwb.planning.plan import PlannedRun

__all__ = ["keys_of"]


def keys_of(run: PlannedRun) -> set[str]:
    """Return the names of all artifacts and cards of a W&B run, as keys of its summary."""
    values = (value.key for value in (*run.values, *run.curves, *run.shown))
    files = (file.content for artifact in run.outputs for file in artifact.files)
    others = (summary_key(content.name) for content in (*files, *run.switched_off))
    return {*values, *others, *(card.key for card in run.cards)}
