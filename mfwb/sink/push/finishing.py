"""The last word about a W&B run all of which has arrived: aliases, and that it is complete."""

from __future__ import annotations

from dataclasses import replace

import wandb

from mfwb.outcome import OutputOutcome
from mfwb.sink.amending import amend
from mfwb.sink.content import MARKER, done
from mfwb.sink.edits import EditRule, Merged
from mfwb.sink.existing import Existing, ExistingRuns
from mfwb.sink.newest import LATEST, Newest
from mfwb.sink.push.checking import Arrival
from mfwb.sink.push.derived import Derivation
from mfwb.sink.push.recorded import RecordedArtifact, RecordedRun
from mfwb.sink.receipts import Receipt
from mfwb.snapshot import Loss

__all__ = ["say_words", "settle_aliases"]


def settle_aliases(
    sent: Derivation, arrival: Arrival, newest: Newest, losses: tuple[Loss, ...]
) -> Receipt:
    """Settle the aliases of what a W&B run logged; return what is there of it. SinkError.

    Args:
        sent: the W&B run.
        arrival: what is there of it: all.
        newest: decides about `latest`.
        losses: beside those that were known in the bundle.
    """
    run = sent.run
    start = int(run.title.source["created_at"])
    outputs = {one.name: one for one in run.receipt.outputs}
    for recorded in run.logged:
        if recorded.is_own:
            continue
        artifact = arrival.logged[recorded.content]
        _settle(recorded, artifact, start, newest)
        if recorded.name in outputs:
            outputs[recorded.name] = _as_arrived(outputs[recorded.name], recorded, artifact)
    all_losses = (*run.receipt.losses, *losses)
    return replace(run.receipt, outputs=tuple(outputs.values()), losses=all_losses)


def say_words(
    runs: ExistingRuns, run: RecordedRun, receipt: Receipt, found: Existing, rule: EditRule
) -> Merged:
    """Have a W&B run say what the bundle says of it in words, and that it is complete.

    What others wrote in it stays, as the rule says.
    """
    # W&B says it itself, but not if all rows were there already.
    step = {} if run.last_step is None else {"_step": run.last_step}
    marks = {**done(run.fingerprint, receipt), **step}
    return amend(runs, found, run.words(), marks, rule)


def _settle(
    recorded: RecordedArtifact, artifact: wandb.Artifact, start: int, newest: Newest
) -> None:
    aliases = set(recorded.aliases)
    if LATEST in aliases:
        newest.announce([recorded.name], start)
        if not newest.is_newest(recorded.name, start):
            aliases -= {LATEST}
    newest.arrived(recorded.name, start, artifact, aliases)


def _as_arrived(
    output: OutputOutcome, recorded: RecordedArtifact, artifact: wandb.Artifact
) -> OutputOutcome:
    said, meant = ({**one, MARKER: None} for one in (artifact.metadata, recorded.metadata))
    return replace(output, version=artifact.version, deduplicated=said != meant)
