"""The form in which an artifact becomes files of a W&B artifact, or why it does not."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.config import StepSettings
from mfwb.planning.checkpoints import with_stored_size
from mfwb.planning.classify import Classification, Kind, can_be_reference, classify
from mfwb.planning.plan import Form
from mfwb.snapshot import ArtifactRef, Task

__all__ = ["FileChoice", "choose_file"]


@dataclass(frozen=True, slots=True)
class FileChoice:
    """How an artifact becomes files.

    Attributes:
        classification: its kind, form and preview.
        is_switched_off: whether a setting excludes its kind.
        too_large: why it is too large; empty if it is not.
    """

    classification: Classification
    is_switched_off: bool = False
    too_large: str = ""

    @property
    def has_files(self) -> bool:
        """Whether the W&B run logs files of it."""
        return (
            self.classification.kind is not Kind.VALUE
            and not self.is_switched_off
            and not self.too_large
        )


def choose_file(
    ref: ArtifactRef,
    task: Task | None,
    settings: StepSettings,
    classification: Classification | None = None,
) -> FileChoice:
    """Return how an artifact becomes files under the settings of a step.

    Args:
        ref: the artifact.
        task: the task that has it; None: the artifact is a parameter.
        settings: of the step whose W&B run logs it.
        classification: of the artifact with these settings, if it is known.
    """
    if classification is None:
        classification = classify(ref, settings)
    if classification.kind is Kind.VALUE:
        return FileChoice(classification)
    if not getattr(settings, classification.kind.switch):
        return FileChoice(classification, is_switched_off=True)
    if classification.form is Form.CHECKPOINT:
        ref = with_stored_size(ref)
    limit = getattr(settings.max_artifact_size, classification.kind.value)
    is_larger = limit is not None and ref.size > limit
    if can_be_reference(classification.form, task, settings, is_larger=is_larger):
        return FileChoice(Classification(classification.kind, Form.REFERENCE))
    if not is_larger:
        return FileChoice(classification)
    reason = (
        f"{ref.size:,} bytes, more than the {limit:,} that max_artifact_size allows "
        f"for {classification.kind.switch}"
    )
    return FileChoice(classification, too_large=reason)
