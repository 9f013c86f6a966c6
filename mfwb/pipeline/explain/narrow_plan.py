"""A plan -> the part of it that is about one artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from mfwb.planning import OutputArtifact, PlannedRun, PlannedValue
from mfwb.snapshot import Loss

__all__ = ["losses_of", "narrowed", "only_values"]


def narrowed(run: PlannedRun, meant: Collection[str]) -> PlannedRun | None:
    """Return a W&B run with nothing but what some artifacts become; None if that is nothing.

    Of an artifact with a file per task only the files that are meant stay. A value keeps those of
    all tasks, since W&B gets them in short; so does a curve.

    Args:
        run: as planned.
        meant: pathspecs of artifacts, as in `Flow/123/train/4/model`.
    """
    values = tuple(one for one in run.values if _any(one, meant))
    curves = tuple(one for one in run.curves if _any(one, meant))
    shown = tuple(one for one in run.shown if _any(one, meant))
    outputs = tuple(_outputs(run.outputs, meant))
    off = tuple(one for one in run.switched_off if one.pathspec in meant)
    losses = tuple(losses_of(meant, run.losses))
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


def only_values(run: PlannedRun) -> PlannedRun:
    """Return a W&B run with nothing but its values: they share one summary, which has a limit."""
    return replace(run, curves=(), shown=(), outputs=(), cards=(), losses=())


def losses_of(meant: Collection[str], losses: Iterable[Loss]) -> Iterable[Loss]:
    """Yield the losses of some artifacts, or of parts of them."""
    for loss in losses:
        if any(loss.item == one or loss.item.startswith(f"{one}/") for one in meant):
            yield loss


def _any(value: PlannedValue, meant: Collection[str]) -> bool:
    every = (*value.contents, *(one.content for one in value.elsewhere))
    return any(one.pathspec in meant for one in every)


def _outputs(
    artifacts: Iterable[OutputArtifact], meant: Collection[str]
) -> Iterable[OutputArtifact]:
    for artifact in artifacts:
        files = tuple(file for file in artifact.files if file.content.pathspec in meant)
        if files:
            yield replace(artifact, files=files)
