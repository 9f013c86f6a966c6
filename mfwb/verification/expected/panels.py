"""Panels that a W&B run should show of what its tasks stored, without the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mfwb.config import StepSettings
from mfwb.verification.expected import names
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.file_endings import PANELS
from mfwb.verification.expected.model import ExpectedPanel
from mfwb.verification.expected.run_files import StoredFile

__all__ = ["expect_panels"]

_IMAGE, _GALLERY, _FIGURE = "image-file", "images/separated", "plotly-file"
_PICTURES = frozenset({_IMAGE, _GALLERY})


def expect_panels(
    stored: Mapping[str, Sequence[StoredFile]],
    settings: StepSettings,
    contents: Contents,
    *,
    merged: bool,
) -> Iterator[ExpectedPanel]:
    """Yield the panels; those of artifacts that may not have been copied are not required.

    Args:
        stored: what the tasks of the W&B run stored under each name.
        settings: of the step.
        contents: of the flow run.
        merged: whether the W&B run stands for several tasks.
    """
    if settings.unpickle == "never":
        return
    for name, of_tasks in stored.items():
        files = [file for file in of_tasks if not file.picked_from]
        if not files:  # the step that made it shows it
            continue
        first = files[0]
        types = _types(first, merged=merged)
        key = names.summary_key(name)
        kinds = first.form.kinds
        is_certain = (
            len(kinds) == 1
            and getattr(settings, f"{kinds[0]}s")
            and len({file.form.kinds for file in files}) == 1
            and settings.references is None
            and getattr(settings.max_artifact_size, kinds[0]) is None
            and not any(contents.lost(file.artifact) for file in files)
            and first.artifact.size * 4 <= settings.max_memory
        )
        if types:
            yield ExpectedPanel(key, types, may_be_text=True, is_required=is_certain)
        chart = contents.describe(first.artifact).chart
        if first.form.shape == "npy" and chart is not None and not types:
            kind = "histogram" if chart == "histogram" else _FIGURE
            yield ExpectedPanel(
                f"{chart}/{key}", frozenset({kind}), may_be_text=False, is_required=is_certain
            )


def _types(file: StoredFile, *, merged: bool) -> frozenset[str]:
    """Return the types that the panel of an artifact may have; none if it has no panel."""
    if file.form.shape == "media" and (ending := file.form.ending) is not None:
        panel = PANELS.get(ending)
        if panel == _IMAGE and merged:
            return _PICTURES
        return frozenset({panel} if panel else ())
    is_pil = file.form.shape == "image"
    is_array = file.form.shape == "npy" and file.form.is_image
    return _PICTURES if is_pil or is_array or file.form.has_images else frozenset()
