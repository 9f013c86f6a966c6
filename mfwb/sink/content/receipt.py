"""What a complete W&B run says about itself in its summary, so that nobody has to ask around."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mfwb.outcome import OutputOutcome
from mfwb.planning import InputArtifact, PlannedRun
from mfwb.sink.content.own_notes import parse_note
from mfwb.snapshot import Loss

__all__ = ["Receipt", "dump_receipt", "parse_receipt", "use_item", "use_name", "uses_of"]

_LONGEST = 64_000  # letters; W&B drops a summary of 10 MB, and a run with many files has a long one


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written into one W&B run.

    Attributes:
        outputs: the artifacts that it logged.
        losses: beside those of the plan.
        uses: the artifacts that it uses, as `use_name` calls them.
        summary_keys: what mfwb wrote into the summary; an older one did not note them.
    """

    outputs: tuple[OutputOutcome, ...] = ()
    losses: tuple[Loss, ...] = ()
    uses: tuple[str, ...] = ()
    summary_keys: tuple[str, ...] = ()


def use_item(run: PlannedRun, used: InputArtifact) -> str:
    """Return what the loss of a use is called."""
    return run.use_item(used)


def uses_of(run: PlannedRun, losses: Iterable[Loss]) -> tuple[str, ...]:
    """Return what a W&B run uses but for what was lost."""
    lost = {loss.item for loss in losses}
    return tuple(sorted(use_name(one) for one in run.inputs if use_item(run, one) not in lost))


def use_name(used: InputArtifact) -> str:
    """Return what tells a use from all others of the same W&B run."""
    return f"{used.name} of {used.producer_name}"


def dump_receipt(receipt: Receipt) -> str | None:
    """Return a receipt as compact JSON; None if it would be too long."""
    text = _adapter().dump_json(receipt, exclude_defaults=True).decode()
    return text if len(text) <= _LONGEST else None


def parse_receipt(text: Any) -> Receipt | None:
    """Return the receipt that `dump_receipt` wrote; None if this is none."""
    return parse_note(text, _adapter())


@cache
def _adapter() -> TypeAdapter[Receipt]:
    return TypeAdapter(Receipt)
