"""What a comparison finds: differences, numbers of compared items, and what is not known."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from mfwb.redaction import Masker
from mfwb.verification.recorded import RecordedRun
from mfwb.verification_outcome import Difference
from mfwb.version import __version__

__all__ = ["EDITED", "UNMASKED", "Findings", "short", "why_missing", "writer_of"]

EDITED = "somebody edited it in W&B, or it was damaged"
UNMASKED = "W&B has a secret, which is not shown here: it was written without masks, or by others"
_MAX_SHOWN = 300  # characters of a value


class Findings:
    """Collects what is found in one flow run."""

    def __init__(self, masker: Masker | None = None) -> None:
        """Find nothing yet; the masker hides secrets in what W&B has."""
        self._masker = masker or Masker(enabled=False)
        self.differences: list[Difference] = []
        self.compared: Counter[str] = Counter()
        self.unknown: list[tuple[str, str]] = []

    def count(self, kind: str, number: int = 1) -> None:
        """Count items of a kind as compared."""
        self.compared[kind] += number

    def leave_open(self, item: str, reason: str) -> None:
        """Note an item that can't be decided."""
        if (item, reason) not in self.unknown:
            self.unknown.append((item, reason))

    def differ(  # noqa: PLR0913, PLR0917 - the fields of a difference
        self,
        kind: str,
        item: str,
        run: str | None,
        metaflow: Any,
        wandb: Any,
        cause: str,
        *,
        repairable: bool = True,
    ) -> None:
        """Note a difference; a secret that W&B has is not shown."""
        name = item.rpartition(".")[2]
        own, _ = self._masker.mask_value(name, metaflow)
        actual, marks = self._masker.mask_value(name, wandb)
        why = UNMASKED if marks else cause
        self.differences.append(
            Difference(
                kind, self._masker.mask_text(item), run, short(own), short(actual), why, repairable
            )
        )


def short(value: Any) -> Any:
    """Return a value as it is if it is short JSON, else the beginning of its text."""
    try:
        text = json.dumps(value, default=str)
    except (TypeError, ValueError):
        text = repr(value)
        value = text
    if len(text) <= _MAX_SHOWN:
        return json.loads(json.dumps(value, default=str))
    return f"{text[:_MAX_SHOWN]}..."


def writer_of(run: RecordedRun) -> str | None:
    """Return the version of mfwb that a W&B run names as its writer; None if it names none."""
    own = run.config.get("mfwb")
    version = own.get("version") if isinstance(own, dict) else None
    return version if isinstance(version, str) else None


def why_missing(run: RecordedRun, otherwise: str) -> str:
    """Return the likely cause for something that a W&B run lacks."""
    version = writer_of(run)
    if run.state not in {"finished", "failed"}:
        return f"the W&B run is {run.state}: a sync or an upload was cut, or still goes on"
    if version is None:
        return "the W&B run names no mfwb as its writer: it was cut, or somebody else wrote it"
    if version != __version__:
        return f"written by mfwb {version}, which may not have written this yet; or {otherwise}"
    return otherwise
