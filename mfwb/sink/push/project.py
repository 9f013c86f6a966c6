"""A project that a bundle is pushed to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from uuid import uuid4

from mfwb.config import OnDeleted
from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import Collections
from mfwb.sink.content.edits import EditRule, merge_metadata, select_others_summary
from mfwb.sink.content.run_metadata import read_run_metadata
from mfwb.sink.history.read_rows import History, missing_rows
from mfwb.sink.push.bundle_run import (
    RecordedArtifact,
    RecordedRun,
    RunHeader,
    read_history,
    read_run,
)
from mfwb.sink.push.finalize import update_rules, write_run_metadata
from mfwb.sink.push.shipment import ProjectPath, Shipment
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.artifact_rules import RuleWriter
from mfwb.sink.server.claims import Claims
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LatestAlias
from mfwb.sink.server.update_run import has_same_content
from mfwb.snapshot import Loss

__all__ = ["Project"]


Content = tuple[str, str]
"""Name and digest of an artifact, as in the bundle."""


@dataclass(slots=True)
class _ArtifactStates:
    """Artifacts that W&B has, and missing ones with the W&B run that should have logged them."""

    logged: set[Content] = field(default_factory=set)
    deleted: dict[Content, str] = field(default_factory=dict)
    refused: dict[Content, str] = field(default_factory=dict)
    failed: dict[Content, str] = field(default_factory=dict)


class Project:
    """Decides which parts of a W&B run have to be sent."""

    def __init__(
        self,
        path: ProjectPath,
        client: ApiClient,
        *,
        writer: str,
        on_deleted: OnDeleted,
        edit_rule: EditRule,
    ) -> None:
        self.edit_rule = edit_rule
        self.client = client
        self.existing = ExistingRuns(client, path.entity, path.project)
        self._collections = Collections(client, path.entity, path.project)
        self.latest_alias = LatestAlias(client, path.entity, path.project, self._collections)
        self.rule_writer = RuleWriter(client, path.entity, path.project)
        self._claims = Claims(path, self.existing, client, writer=writer, on_deleted=on_deleted)
        self._artifacts = _ArtifactStates()
        self._lock = Lock()

    def prepare(self, shipment: Shipment, header: RunHeader) -> Upload | None:
        """Return the upload of a W&B run; None: nothing has to be sent. NotOurs, SinkError.

        The W&B run is claimed, so that no other sync writes it.
        """
        run = read_run(header)
        if self._is_complete(shipment, run):
            return None
        unavailable = self._unavailable(run)
        claim = self._claims.claim(header, was_written=shipment.was_pushed(header))
        if claim.id is None:
            shipment.note_deleted(header)
            self._note(self._artifacts.deleted, run)
            return None
        upload = replace(self._upload(shipment, run, unavailable), id=claim.id)
        if claim.is_new:
            return upload
        self.existing.fetch([header])  # again, now that no other sync writes it
        if self._is_complete(shipment, run):
            return None
        return self._with_edits(self.without_existing_rows(upload))

    def without_existing_rows(self, upload: Upload) -> Upload:
        """Return an upload without the rows of history that W&B has already."""
        header = upload.run.header
        history = self.existing.read_histories([header.id]).get(header.id, History())
        planned = read_history(header.original) if upload.run.last_step is not None else []
        missing = {
            step: frozenset(values)
            for step, values in missing_rows(planned, history.rows, upload.run.axes)
        }
        return replace(
            upload, has_history=bool(history.rows or history.lines), rows_missing=missing
        )

    def _with_edits(self, upload: Upload) -> Upload:
        """Return the upload of an existing W&B run, with what others wrote in it."""
        existing = self.existing.get(upload.run.header.id)
        if existing is None:
            return upload
        handle = existing.handle
        merge = merge_metadata(upload.run.run_metadata(), read_run_metadata(handle), self.edit_rule)
        upload.shipment.note_edits(upload.run.header, merge)
        wrote = existing.receipt.summary_keys if existing.receipt else ()
        keys = (*upload.run.summary_keys, *upload.run.receipt.summary_keys)
        others = select_others_summary(handle.summary_metrics, keys, wrote)
        return replace(upload, run_metadata=merge.run_metadata, others=others)

    def _upload(
        self, shipment: Shipment, run: RecordedRun, unavailable: Mapping[Content, str]
    ) -> Upload:
        """Return the upload of a whole W&B run, with its artifacts' names in this project."""
        recorded = (*run.logged, *run.used)
        artifacts = {(item.name, item.type) for item in recorded if not item.is_own}
        self._collections.load(sorted(name for name, _ in artifacts))
        names = {artifact: self._collections.name_in_project(*artifact) for artifact in artifacts}
        return Upload(
            shipment=shipment,
            run=run,
            id=run.header.id,
            token=uuid4().hex,
            unavailable=unavailable,
            retryable=unavailable.keys() & self._artifacts.refused.keys(),
            names={artifact: name for artifact, name in names.items() if name != artifact[0]},
        )

    def note_logged(self, upload: Upload, refused: Collection[Content] = ()) -> None:
        """Note that W&B has the artifacts of an upload, except for refused ones, by W&B name."""
        logged: list[RecordedArtifact] = []
        missing: list[RecordedArtifact] = []
        for item in upload.run.logged:
            is_refused = upload.with_wandb_name(item).content in refused
            (missing if is_refused else logged).append(item)
        for item in logged:
            self._collections.note(upload.artifact_name(item.name, item.type), item.type)
        with self._lock:
            self._artifacts.logged.update(item.content for item in logged)
            self._artifacts.refused.update(
                {item.content: upload.run.header.name for item in missing}
            )

    def forget_names(self, upload: Upload) -> None:
        """Forget the types of names: W&B refused artifacts, so others may have set a type."""
        self._collections.forget(artifact.name for artifact in upload.run.logged)

    def with_current_names(self, upload: Upload) -> Upload:
        """Return an upload with the names that its artifacts have in this project now."""
        return replace(
            upload, names=self._upload(upload.shipment, upload.run, upload.unavailable).names
        )

    def get_existing(self, header: RunHeader) -> ExistingRun:
        """Return a W&B run that was just looked up; SinkError if it was deleted since."""
        existing = self.existing.get(header.id)
        if existing is None:
            raise SinkError(f"{header.name} no longer exists")
        return existing

    def use_losses(self, upload: Upload) -> tuple[Loss, ...]:
        """Return the losses of uses: the artifacts could not be logged by their W&B runs."""
        return tuple(
            Loss(f"use of {name} by {upload.run.header.name}", f"{producer} could not log it")
            for (name, _), producer in sorted(upload.unavailable.items())
        )

    def mark_failed(self, headers: Iterable[RunHeader]) -> None:
        """Note that W&B runs failed; the W&B runs that use their artifacts fail, too."""
        for header in headers:
            try:
                self._note(self._artifacts.failed, read_run(header))
            except SinkError:  # noqa: PERF203 - the W&B runs that use its artifacts fail
                continue

    def _is_complete(self, shipment: Shipment, run: RecordedRun) -> bool:
        """Whether W&B has all of a W&B run; if only its metadata differs, that is updated."""
        existing = self.existing.get(run.header.id)
        if existing is None or existing.complete is None:
            return False
        wrote = existing.complete != run.fingerprint
        if wrote and (
            not has_same_content(existing.complete, run.fingerprint) or not existing.receipt
        ):
            return False
        receipt = existing.receipt or run.receipt
        if wrote:
            names = {
                item.name: self._collections.name_in_project(item.name, item.type)
                for item in run.logged
            }
            receipt = update_rules(run, receipt, names, self.rule_writer)
            edits = write_run_metadata(self.existing, run, receipt, existing, self.edit_rule)
            shipment.note_edits(run.header, edits)
        shipment.note(run.header, existing.id, existing.url, receipt, wrote=wrote)
        with self._lock:
            self._artifacts.logged.update(artifact.content for artifact in run.logged)
        return True

    def _unavailable(self, run: RecordedRun) -> dict[Content, str]:
        """Return the used artifacts that W&B does not have, with the W&B runs of which they are."""
        with self._lock:
            states = self._artifacts
            missing = {artifact.content for artifact in run.used} - states.logged
            for name, digest in sorted(missing & states.failed.keys()):
                producer = states.failed[name, digest]
                raise SinkError(
                    f"{run.header.name} uses {name} of {producer}, which does not exist"
                )
            absent = {**states.deleted, **states.refused}
            return {content: absent[content] for content in missing & absent.keys()}

    def _note(self, missing: dict[Content, str], run: RecordedRun) -> None:
        with self._lock:
            missing.update({artifact.content: run.header.name for artifact in run.logged})
