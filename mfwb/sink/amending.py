"""Changing the words of a W&B run that is complete: no run is opened, nothing is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mfwb.planning import Plan, PlannedRun
from mfwb.sink.content import config_of, done
from mfwb.sink.existing import Existing, ExistingRuns
from mfwb.sink.receipts import Receipt

__all__ = ["Words", "amend", "differ_in_words", "planned_words"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a W&B run says that can be changed in place.

    Attributes:
        done: what marks it, in the summary, as complete.
    """

    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    notes: str
    config: Mapping[str, Any]
    done: Mapping[str, Any]


def planned_words(plan: Plan, run: PlannedRun, receipt: Receipt, writer: str) -> Words:
    """Return what a planned W&B run is to say; the receipt is of what was written into it."""
    return Words(
        name=run.name,
        group=run.group,
        job_type=run.job_type,
        tags=run.tags,
        notes=run.wandb_settings.get("run_notes") or "",
        config=config_of(plan, run, writer),
        done=done(run.fingerprint, receipt),
    )


def amend(runs: ExistingRuns, found: Existing, words: Words) -> None:
    """Bring names, tags and config of a W&B run up to date; SinkError.

    The summary, which says for which plan the W&B run is complete, is written last.
    """

    def deed(handle: Any) -> None:
        handle.load(force=True)  # W&B's listing forgets `_wandb` of config, and would delete it
        handle.config.clear()
        handle.config.update(words.config)
        handle.tags = list(words.tags)
        handle.display_name, handle.group = words.name, words.group
        handle.job_type = words.job_type
        handle.notes = words.notes or (handle.notes and "")
        handle.update()
        handle.summary.update(dict(words.done))

    runs.ask_of(found, deed, f"change the words of {words.name}")


def differ_in_words(complete: str, fingerprint: str) -> bool:
    """Whether what is there and what is planned are the same but for words."""
    return complete.partition(".")[0] == fingerprint.partition(".")[0]
