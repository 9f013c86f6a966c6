"""The end of an upload that has arrived: set the aliases, and mark the W&B run as complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import wandb

from mfwb.outcome import OutputOutcome
from mfwb.sink.content.edits import EditRule, MergedMetadata
from mfwb.sink.content.receipt import Receipt
from mfwb.sink.content.run_content import MARKER, done
from mfwb.sink.push.bundle_run import RecordedArtifact, RecordedRun
from mfwb.sink.push.upload import Upload
from mfwb.sink.push.verify import Arrival
from mfwb.sink.server.artifact_rules import RuleWriter, VersionRules
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LATEST, LatestAlias, Moment
from mfwb.sink.server.update_run import update_metadata
from mfwb.snapshot import Loss

__all__ = ["set_aliases", "update_rules", "write_run_metadata"]


def set_aliases(
    upload: Upload,
    arrival: Arrival,
    latest_alias: LatestAlias,
    rule_writer: RuleWriter,
    losses: tuple[Loss, ...],
) -> Receipt:
    """Set the aliases of the logged artifacts; return the receipt of what has arrived. SinkError.

    They also get what the settings' rules give to them.

    Args:
        upload: the W&B run.
        arrival: the arrived part of it: everything, or everything except some artifacts.
        latest_alias: decides which version gets `latest`.
        rule_writer: gives versions what rules say.
        losses: the losses in addition to those in the bundle.
    """
    run = upload.run
    start = run.header.source.created_at
    moment = Moment.of(start, run.ended_at)
    outputs = {(output.name, output.digest): output for output in run.receipt.outputs}
    rule_losses: list[Loss] = []
    for recorded in run.logged:
        renamed = upload.with_wandb_name(recorded)
        artifact = arrival.logged.get(renamed.content)
        if recorded.is_own or artifact is None:
            continue
        _set_aliases(renamed, artifact, moment, latest_alias)
        if recorded.content in outputs:
            output = _as_arrived(outputs[recorded.content], renamed, artifact)
            outputs[recorded.content] = output
            rules = VersionRules(output.rules, recorded.metadata, run.header.name)
            rule_losses += rule_writer.write(artifact.name, moment, rules)
    unavailable = {f"{name} of {producer}" for (name, _), producer in upload.unavailable.items()}
    uses = tuple(use for use in run.receipt.uses if use not in unavailable)
    all_losses = (*run.receipt.losses, *losses, *rule_losses)
    return replace(run.receipt, outputs=tuple(outputs.values()), losses=all_losses, uses=uses)


def update_rules(
    run: RecordedRun, receipt: Receipt, names: Mapping[str, str], rule_writer: RuleWriter
) -> Receipt:
    """Give the artifacts of a complete W&B run what changed rules say; return the new receipt.

    Args:
        run: the W&B run in the bundle.
        receipt: the receipt in W&B.
        names: the names of its artifacts in W&B, by their names in the bundle.
        rule_writer: gives versions what rules say.
    """
    outcomes = {output.name: output.rules for output in run.receipt.outputs}
    rules = {
        names.get(item.name, item.name): VersionRules(
            outcomes.get(item.name), item.metadata, run.header.name
        )
        for item in run.logged
    }
    moment = Moment.of(run.header.source.created_at, run.ended_at)
    outputs, losses = rule_writer.update(receipt.outputs, receipt.losses, moment, rules)
    return replace(receipt, outputs=outputs, losses=losses)


def write_run_metadata(
    runs: ExistingRuns, run: RecordedRun, receipt: Receipt, existing: ExistingRun, rule: EditRule
) -> MergedMetadata:
    """Write the metadata of a W&B run as in the bundle, and the mark that it is complete.

    The rule decides whether edits of others are kept.
    """
    # W&B itself sets `_step`, but not if it had all rows already.
    step = {} if run.last_step is None else {"_step": run.last_step}
    marks = {**done(run.fingerprint, receipt), **step}
    return update_metadata(runs, existing, run.run_metadata(), marks, rule)


def _set_aliases(
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
    stored, planned = ({**data, MARKER: None} for data in (artifact.metadata, recorded.metadata))
    return replace(
        output, name=recorded.name, version=artifact.version, deduplicated=stored != planned
    )
