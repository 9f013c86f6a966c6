"""Data model: the files built from one artifact."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfwb.planning import Form
from mfwb.ports import ReadyFile

__all__ = ["ArtifactFiles"]


@dataclass(frozen=True, slots=True)
class ArtifactFiles:
    """The files of one artifact.

    Attributes:
        form: the resulting form; PICKLE if the planned form was impossible.
        files: in the order of their names.
        missing: missing parts, by name, with the reason.
        kept_because: why it is a pickle against the plan; else None.
        altered: how the files differ from the pickle, which then accompanies them; else empty.
        renamed: original names of renamed files, by their new names.
        marks: how many of the texts in a JSON file, or of the files of code, are masked.
        excluded: the number of Metaflow's own files in a code package, which are left out.
    """

    form: Form
    files: list[ReadyFile]
    missing: dict[str, str] = field(default_factory=dict)
    kept_because: str | None = None
    altered: str = ""
    renamed: dict[str, str] = field(default_factory=dict)
    marks: int = 0
    excluded: int = 0

    @property
    def pickles(self) -> list[ReadyFile]:
        """Metaflow's own pickle, if it is among the files."""
        if self.form is Form.PICKLE:
            return self.files
        is_beside = bool(self.altered) or self.form is Form.IMAGE
        return self.files[-1:] if is_beside else []
