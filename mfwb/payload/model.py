"""What was made of one artifact."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfwb.planning import Form
from mfwb.ports import ReadyFile

__all__ = ["ArtifactFiles"]


@dataclass(frozen=True, slots=True)
class ArtifactFiles:
    """The files of one artifact.

    Attributes:
        form: what it became, which is a pickle where it could not become what was planned.
        files: in the order of their names.
        missing: what else there should have been, with the reason.
        kept_because: why it stayed a pickle, if it was not to.
        altered: what its files say otherwise than the pickle, which goes along then; or empty.
        renamed: files that go by another name than their own, by that.
    """

    form: Form
    files: list[ReadyFile]
    missing: dict[str, str] = field(default_factory=dict)
    kept_because: str | None = None
    altered: str = ""
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def pickles(self) -> list[ReadyFile]:
        """Metaflow's own pickle, if it is among the files."""
        if self.form is Form.PICKLE:
            return self.files
        return self.files[-1:] if self.altered else []
