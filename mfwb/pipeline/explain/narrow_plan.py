"""Narrow a plan to the part that concerns one artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from mfwb.planning import OutputArtifact, PlannedRun, PlannedValue
from mfwb.snapshot import Loss

__all__ = ["keep_only_values", "losses_of", "narrow_run"]


def narrow_run(run: PlannedRun, selected: Collection[str]) -> PlannedRun | None:
    """Return a W&B run with nothing but the selected artifacts; None if it has none of them.

    Of a W&B artifact with a file per task, only the selected files stay. A value keeps those
    of all tasks, since W&B gets a summary of them; so does a curve.

    Args:
        run: the planned W&B run.
        selected: pathspecs of artifacts, as in `Flow/123/train/4/model`.
    """
    if run.overview is not None:  # a second view of what other W&B runs have
        return None
    values = tuple(value for value in run.values if _any(value, selected))
    curves = tuple(curve for curve in run.curves if _any(curve, selected))
    shown = tuple(value for value in run.shown if _any(value, selected))
    outputs = tuple(_outputs(run.outputs, selected))
    off = tuple(content for content in run.switched_off if content.pathspec in selected)
    losses = tuple(losses_of(selected, run.losses))
    if not (values or curves or shown or outputs or off or losses):
        return None
    return replace(
        run,
        values=values,
        curves=curves,
        shown=shown,
        outputs=outputs,
        switched_off=off,
        losses=losses,
        cards=(),
    )


def keep_only_values(run: PlannedRun) -> PlannedRun:
    """Return a W&B run with its values alone: they share one summary, which has a limit."""
    return replace(run, curves=(), shown=(), outputs=(), cards=(), losses=())


def losses_of(selected: Collection[str], losses: Iterable[Loss]) -> Iterable[Loss]:
    """Yield the losses of the selected artifacts, or of parts of them."""
    for loss in losses:
        if any(
            loss.item == pathspec or loss.item.startswith(f"{pathspec}/") for pathspec in selected
        ):
            yield loss


def _any(value: PlannedValue, selected: Collection[str]) -> bool:
    every = (*value.contents, *(file.content for file in value.elsewhere))
    return any(content.pathspec in selected for content in every)


def _outputs(
    artifacts: Iterable[OutputArtifact], selected: Collection[str]
) -> Iterable[OutputArtifact]:
    for artifact in artifacts:
        files = tuple(file for file in artifact.files if file.content.pathspec in selected)
        if files:
            yield replace(artifact, files=files)
