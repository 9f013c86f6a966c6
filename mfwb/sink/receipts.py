"""What a complete W&B run says about itself in its summary, so that nobody has to ask around."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mfwb.outcome import OutputOutcome
from mfwb.snapshot import Loss

__all__ = ["Receipt", "receipt_from", "receipt_text"]

_LONGEST = 64_000  # letters; W&B drops a summary of 10 MB, and a run with many files has a long one


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written into one W&B run."""

    outputs: tuple[OutputOutcome, ...] = ()
    losses: tuple[Loss, ...] = ()  # beside those of the plan


def receipt_text(receipt: Receipt) -> str | None:
    """Return a receipt as compact JSON; None if it would be too long."""
    text = _adapter().dump_json(receipt, exclude_defaults=True).decode()
    return text if len(text) <= _LONGEST else None


def receipt_from(text: Any) -> Receipt | None:
    """Return the receipt that `receipt_text` wrote; None if this is none."""
    if not isinstance(text, str):
        return None
    try:
        return _adapter().validate_json(text)
    except ValidationError:
        return None


@cache
def _adapter() -> TypeAdapter[Receipt]:
    return TypeAdapter(Receipt)
