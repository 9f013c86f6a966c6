"""Receipt: what mfwb wrote into a W&B run, kept in its summary, so that one request reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mfwb.outcome import OutputOutcome
from mfwb.planning import InputArtifact, PlannedRun
from mfwb.redaction import Masked
from mfwb.sink.content.own_notes import parse_note
from mfwb.snapshot import Loss

__all__ = [
    "Receipt",
    "dump_receipt",
    "dump_rules",
    "parse_receipt",
    "use_item",
    "use_name",
    "uses_of",
]

_MAX_LENGTH = 64_000  # letters; W&B drops a summary of 10 MB; many files make a long receipt


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of what was written into one W&B run. The field names are stored.

    Attributes:
        outputs: the artifacts that it logged.
        losses: the losses beside those of the plan.
        uses: the artifacts that it uses, by `use_name`.
        summary_keys: the keys that mfwb wrote into the summary; older receipts have none.
        log_lines: the number of lines of its log; None: an older receipt.
        log_bytes_left_out: how many bytes of its log were too many for the Logs tab.
        masked: the items in which secrets were masked.
    """

    outputs: tuple[OutputOutcome, ...] = ()
    losses: tuple[Loss, ...] = ()
    uses: tuple[str, ...] = ()
    summary_keys: tuple[str, ...] = ()
    log_lines: int | None = None
    log_bytes_left_out: int = 0
    masked: tuple[Masked, ...] = ()


def use_item(run: PlannedRun, used: InputArtifact) -> str:
    """Return the name for the loss of a used artifact."""
    return run.use_item(used)


def uses_of(run: PlannedRun, losses: Iterable[Loss]) -> tuple[str, ...]:
    """Return the names of all artifacts that a W&B run uses, except lost ones."""
    lost = {loss.item for loss in losses}
    return tuple(sorted(use_name(used) for used in run.inputs if use_item(run, used) not in lost))


def use_name(used: InputArtifact) -> str:
    """Return the name of a used artifact, which is unique in its W&B run."""
    return f"{used.name} of {used.producer_name}"


def dump_receipt(receipt: Receipt) -> str | None:
    """Return a receipt as compact JSON; None if it would be too long."""
    text = _adapter().dump_json(receipt, exclude_defaults=True).decode()
    if len(text) > _MAX_LENGTH and receipt.masked:  # the ledger has these names, too
        return dump_receipt(replace(receipt, masked=()))
    return text if len(text) <= _MAX_LENGTH else None


def dump_rules(receipt: Receipt) -> str | None:
    """Return the part of a receipt that a push needs: what rules give; None if there are none.

    It is written where the whole receipt would be too long, as it is with very many files.
    """
    outputs = tuple(replace(output, files=()) for output in receipt.outputs if output.rules)
    if not outputs:
        return None
    return _adapter().dump_json(Receipt(outputs), exclude_defaults=True).decode()


def parse_receipt(text: Any) -> Receipt | None:
    """Return the receipt that `dump_receipt` wrote; None if the text is not one."""
    return parse_note(text, _adapter())


@cache
def _adapter() -> TypeAdapter[Receipt]:
    return TypeAdapter(Receipt)
