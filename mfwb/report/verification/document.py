"""A verification as one JSON document."""

from __future__ import annotations

from math import isfinite
from typing import Any

from mfwb.report.json_output import for_any_output
from mfwb.verification_outcome import Verification

__all__ = ["show_document"]


def show_document(verification: Verification) -> tuple[str, str]:
    """Return the document that `--json` prints, and the same for an output of ASCII only.

    Numbers that JSON does not have are texts, as they are in W&B: "NaN", "Infinity".
    """
    return for_any_output(_finite(verification.to_dict()))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124 - NaN alone
    return value
