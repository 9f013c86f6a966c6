"""The last word about a W&B run all of which has arrived: aliases, and that it is complete."""

from __future__ import annotations

from dataclasses import replace

import wandb

from mfwb.outcome import OutputOutcome
from mfwb.sink.content.edits import EditRule, MergedMetadata
from mfwb.sink.content.receipt import Receipt
from mfwb.sink.content.run_content import MARKER, done
from mfwb.sink.push.bundle_run import RecordedArtifact, RecordedRun
from mfwb.sink.push.upload_files import Derivation
from mfwb.sink.push.verify import Arrival
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LATEST, LatestAlias, Moment
from mfwb.sink.server.update_run import amend
from mfwb.snapshot import Loss

__all__ = ["settle_aliases", "write_run_metadata"]


def settle_aliases(
    sent: Derivation, arrival: Arrival, latest_alias: LatestAlias, losses: tuple[Loss, ...]
) -> Receipt:
    """Settle the aliases of what a W&B run logged; return what is there of it. SinkError.

    Args:
        sent: the W&B run.
        arrival: what is there of it: all, or all but some artifacts.
        latest_alias: decides about `latest`.
        losses: beside those that were known in the bundle.
    """
    run = sent.run
    start = run.title.source.created_at
    moment = Moment(start, start if run.ended_at is None else run.ended_at)
    outputs = {one.name: one for one in run.receipt.outputs}
    for recorded in run.logged:
        called = sent.as_called(recorded)
        artifact = arrival.logged.get(called.content)
        if recorded.is_own or artifact is None:
            continue
        _settle(called, artifact, moment, latest_alias)
        if recorded.name in outputs:
            outputs[recorded.name] = _as_arrived(outputs[recorded.name], called, artifact)
    lost = {f"{name} of {who}" for (name, _), who in sent.without.items()}
    uses = tuple(use for use in run.receipt.uses if use not in lost)
    all_losses = (*run.receipt.losses, *losses)
    return replace(run.receipt, outputs=tuple(outputs.values()), losses=all_losses, uses=uses)


def write_run_metadata(
    runs: ExistingRuns, run: RecordedRun, receipt: Receipt, found: ExistingRun, rule: EditRule
) -> MergedMetadata:
    """Have a W&B run say what the bundle says of it in words, and that it is complete.

    What others wrote in it stays, as the rule says.
    """
    # W&B says it itself, but not if all rows were there already.
    step = {} if run.last_step is None else {"_step": run.last_step}
    marks = {**done(run.fingerprint, receipt), **step}
    return amend(runs, found, run.run_metadata(), marks, rule)


def _settle(
    recorded: RecordedArtifact, artifact: wandb.Artifact, moment: Moment, latest_alias: LatestAlias
) -> None:
    aliases = set(recorded.aliases)
    if LATEST in aliases:
        planned = (recorded.name, recorded.type)
        latest_alias.announce([planned], moment.started)
        if not latest_alias.is_newest(recorded.name, planned, moment):
            aliases -= {LATEST}
    latest_alias.set_aliases(recorded.name, moment, artifact, aliases, is_stale=True)


def _as_arrived(
    output: OutputOutcome, recorded: RecordedArtifact, artifact: wandb.Artifact
) -> OutputOutcome:
    said, meant = ({**one, MARKER: None} for one in (artifact.metadata, recorded.metadata))
    return replace(output, name=recorded.name, version=artifact.version, deduplicated=said != meant)
