"""A verification as one JSON document."""

from __future__ import annotations

from mfwb.report.json_output import for_any_output
from mfwb.verification_outcome import Verification

__all__ = ["show_document"]


def show_document(verification: Verification) -> tuple[str, str]:
    """Return the document that `--json` prints, and the same for an output of ASCII only."""
    return for_any_output(verification.to_dict())
