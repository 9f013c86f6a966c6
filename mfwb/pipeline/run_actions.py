"""Run actions: what a sync would do with each W&B run of a plan, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mfwb.config import Settings
from mfwb.outcome import RunAction, WandbRunOutcome
from mfwb.planning import PlannedRun
from mfwb.ports import ExistingWandbRun

__all__ = ["Decision", "Known", "decide"]

_UNFINISHED = "an earlier sync did not complete it"
_AS_A_WHOLE = "in a bundle, a flow run is written as a whole"
_BY_OLDER = "an older mfwb wrote it, and did not note what from; --online asks W&B"

_LABELS = {
    "job_type": "job type",
    "wandb_settings": "W&B's settings",
    "switched_off": "what is switched off",
    "artifact_rules": "rules for artifacts",
    "redaction": "what is masked",
    "overview": "tables of the flow run",
    "file_limit": "size limit",
    "path_roots": "folders that files may come from",
    "no_curves": "curves",
    "named_curves": "curves",
    "shown": "readable forms of artifacts",
    "runtime": "duration",
    "exit_code": "state",
}
"""Parts of a plan in words; other parts have their own name."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a planned W&B run before a sync.

    Attributes:
        before: what the ledger has of it; None: nothing.
        existing: what W&B has of it; None: nothing, or it was not asked.
        is_online: whether W&B was asked.
        is_done: whether the ledger has the earlier sync of its flow run as complete.
        in_bundle: whether it is written into a bundle.
    """

    before: WandbRunOutcome | None
    existing: ExistingWandbRun | None
    is_online: bool
    is_done: bool
    in_bundle: bool

    @property
    def is_deleted(self) -> bool:
        """Whether somebody deleted it in W&B."""
        if self.is_online:
            return self.existing is not None and self.existing.deleted
        return self.before is not None and self.before.deleted


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sync would do with a W&B run, and why."""

    action: RunAction
    reasons: tuple[str, ...] = ()


def decide(run: PlannedRun, known: Known, settings: Settings) -> Decision:  # noqa: PLR0911 - a case each
    """Return what a sync would do with a W&B run."""
    if known.is_deleted:
        if settings.on_deleted == "recreate":
            return Decision(RunAction.CREATE, ("it was deleted in W&B (--on-deleted recreate)",))
        return Decision(RunAction.SKIP, ("it was deleted in W&B",))
    if known.existing is None and (known.is_online or known.before is None):
        return Decision(RunAction.CREATE)
    if settings.force:
        return Decision(RunAction.REWRITE, ("--force",))
    if known.in_bundle:
        reasons = tuple(_part_changes(run, known.before)) or (_AS_A_WHOLE,)
        return Decision(RunAction.REWRITE, reasons)
    if known.existing is not None:
        return _decide_by_wandb(run, known, known.existing)
    return _decide_by_ledger(run, known)


def _decide_by_wandb(run: PlannedRun, known: Known, existing: ExistingWandbRun) -> Decision:
    if not existing.fingerprint:
        reason = "another sync may be writing it" if existing.is_open else _UNFINISHED
        return Decision(RunAction.REWRITE, (reason,))
    if _content(existing.fingerprint) != _content(run.fingerprint):
        before = known.before
        is_same = before is not None and before.fingerprint == existing.fingerprint
        parts = tuple(_part_changes(run, before if is_same else None))
        return Decision(RunAction.REWRITE, tuple(dict.fromkeys((*existing.changes, *parts))))
    if existing.fingerprint != run.fingerprint:
        return Decision(RunAction.UPDATE, existing.changes or ("rules for artifacts",))
    return Decision(RunAction.KEEP)


def _decide_by_ledger(run: PlannedRun, known: Known) -> Decision:
    before = known.before
    if before is None:
        return Decision(RunAction.CREATE)
    if not before.complete:
        return Decision(RunAction.REWRITE, (_UNFINISHED,))
    if before.fingerprint is None:
        return Decision(RunAction.REWRITE, (_BY_OLDER if known.is_done else _UNFINISHED,))
    if before.fingerprint == run.fingerprint:
        return Decision(RunAction.KEEP)
    is_text = _content(before.fingerprint) == _content(run.fingerprint)
    action = RunAction.UPDATE if is_text else RunAction.REWRITE
    return Decision(action, tuple(_part_changes(run, before)))


def _content(fingerprint: str) -> str:
    """Return the digest of what can only be written by opening the W&B run."""
    return fingerprint.partition(".")[0]


def _part_changes(run: PlannedRun, before: WandbRunOutcome | None) -> Iterator[str]:
    """Yield the parts that differ from those of an earlier sync, in words, each once."""
    if before is None or not before.part_digests:
        return
    changes = _compare(before.part_digests, run.part_digests)
    yield from dict.fromkeys(changes)


def _compare(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for part in (*now, *(part for part in before if part not in now)):
        if before.get(part) == now.get(part):
            continue
        label = _LABELS.get(part, part.replace("_", " ") if " " not in part else part)
        if part.startswith("artifact "):
            label += (
                "" if part in before and part in now else f" {_GONE if part in before else _NEW}"
            )
        yield label


_NEW, _GONE = "is new", "is no longer part of it"
