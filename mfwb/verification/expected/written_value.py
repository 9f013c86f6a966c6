"""What one task wrote under a name, and what the summary says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfwb.verification.expected.facts import HeldArtifact, TaskFacts
from mfwb.verification.expected.kinds import ExpectedForm
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.value_reader import PickledValue

__all__ = ["WrittenValue"]

_CAUGHT = "metaflow.exception.MetaflowExceptionWrapper"


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """What one task wrote under a name.

    Attributes:
        need: whether it surely counts as written.
    """

    task: TaskFacts
    artifact: HeldArtifact
    value: PickledValue
    form: ExpectedForm
    need: Need

    @property
    def is_value(self) -> bool:
        """Whether only the summary has it."""
        return self.form.is_value

    @property
    def is_certain(self) -> bool:
        """Whether it is known what the summary has for it."""
        is_settled = self.form.shown is not None and self.need is Need.REQUIRED
        return is_settled and (self.value.is_known or not self.shows_value)

    @property
    def shows_value(self) -> bool:
        """Whether the summary has its value, and not only its type."""
        return self.is_value or bool(self.form.shown)

    @property
    def summary_value(self) -> Any:
        """What the summary has for the value of this task."""
        if self.shows_value:
            return self.value.json_value
        if self.artifact.type == _CAUGHT and self.task.exception is not None:
            kind, message, _ = self.task.exception
            return f"{kind}: {message}"
        return f"<{self.artifact.type or 'of a type that was not recorded'}>"

    @property
    def is_caught(self) -> bool:
        """Whether it is what `@catch(var=...)` keeps of an exception."""
        return self.artifact.type == _CAUGHT and self.task.exception is not None
