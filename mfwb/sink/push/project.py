"""One project that a bundle is pushed to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from uuid import uuid4

from mfwb.config import OnDeleted
from mfwb.errors import SinkError
from mfwb.sink.client.api import Service
from mfwb.sink.client.collections import Collections
from mfwb.sink.content.edits import EditRule, merged, others_summary
from mfwb.sink.content.run_texts import words_there
from mfwb.sink.history.read_rows import History, missing_rows
from mfwb.sink.push.bundle_run import RecordedRun, RunHeader, read_history, read_run
from mfwb.sink.push.finalize import say_words
from mfwb.sink.push.shipment import ProjectPath, Shipment
from mfwb.sink.push.upload import Upload
from mfwb.sink.server.claims import Claims
from mfwb.sink.server.existing_runs import Existing, ExistingRuns
from mfwb.sink.server.latest_alias import Newest
from mfwb.sink.server.update_run import differ_in_words
from mfwb.snapshot import Loss

__all__ = ["Project"]


Content = tuple[str, str]
"""Name and digest of an artifact, as the bundle has them."""


@dataclass(slots=True)
class _Known:
    """Artifacts that are there, or are not: who should have logged them, and why they are not."""

    there: set[Content] = field(default_factory=set)
    deleted: dict[Content, str] = field(default_factory=dict)
    refused: dict[Content, str] = field(default_factory=dict)
    failed: dict[Content, str] = field(default_factory=dict)


class Project:
    """Finds out what of a W&B run has to be sent."""

    def __init__(
        self,
        place: ProjectPath,
        service: Service,
        *,
        writer: str,
        on_deleted: OnDeleted,
        edit_rule: EditRule,
    ) -> None:
        self.edit_rule = edit_rule
        self.service = service
        self.existing = ExistingRuns(service, place.entity, place.project)
        self._collections = Collections(service, place.entity, place.project)
        self.newest = Newest(service, place.entity, place.project, self._collections)
        self._claims = Claims(place, self.existing, service, writer=writer, on_deleted=on_deleted)
        self._known = _Known()
        self._lock = Lock()

    def prepare(self, shipment: Shipment, header: RunHeader) -> Upload | None:
        """Return what is to be sent of a W&B run; None if nothing is. NotOurs, SinkError.

        It is claimed, so that nobody else writes it.
        """
        run = read_run(header)
        if self._is_complete(shipment, run):
            return None
        without = self._unavailable(run)
        claim = self._claims.claim(header, was_there=shipment.was_pushed(header))
        if claim.id is None:
            shipment.note_deleted(header)
            self._note(self._known.deleted, run)
            return None
        upload = replace(self._upload(shipment, run, without), id=claim.id)
        if claim.is_new:
            return upload
        self.existing.look([header])  # what it has now that nobody else writes it
        if self._is_complete(shipment, run):
            return None
        return self._with_edits(self.without_existing_rows(upload))

    def without_existing_rows(self, upload: Upload) -> Upload:
        """Return what is to be sent of a W&B run that has some rows of history already."""
        header = upload.run.header
        there = self.existing.histories([header.id]).get(header.id, History())
        planned = read_history(header.original) if upload.run.last_step is not None else []
        missing = frozenset(step for step, _ in missing_rows(planned, there.rows))
        return replace(upload, has_history=bool(there.rows or there.lines), rows_missing=missing)

    def _with_edits(self, upload: Upload) -> Upload:
        """Return what is to be sent of a W&B run that is there, with what others wrote in it."""
        found = self.existing.get(upload.run.header.id)
        if found is None:
            return upload
        handle = found.handle
        both = merged(upload.run.words(), words_there(handle), self.edit_rule)
        upload.shipment.note_edits(upload.run.header, both)
        wrote = found.receipt.summary_keys if found.receipt else ()
        keys = (*upload.run.summary_keys, *upload.run.receipt.summary_keys)
        others = others_summary(handle.summary_metrics, keys, wrote)
        return replace(upload, words=both.words, others=others)

    def _upload(
        self, shipment: Shipment, run: RecordedRun, without: Mapping[Content, str]
    ) -> Upload:
        """Return all of a W&B run, under the names that its artifacts have here."""
        artifacts = {(one.name, one.type) for one in (*run.logged, *run.used) if not one.is_own}
        self._collections.look(sorted(name for name, _ in artifacts))
        artifact_name = {one: self._collections.name_for(*one) for one in artifacts}
        return Upload(
            shipment=shipment,
            run=run,
            id=run.header.id,
            token=uuid4().hex,
            without=without,
            retryable=without.keys() & self._known.refused.keys(),
            names={one: name for one, name in artifact_name.items() if name != one[0]},
        )

    def note_logged(self, upload: Upload, but: Collection[Content] = ()) -> None:
        """Hear that what a W&B run logs is there, but for some, as they are called in W&B."""
        there = [one for one in upload.run.logged if upload.with_wandb_name(one).content not in but]
        missing = [one for one in upload.run.logged if upload.with_wandb_name(one).content in but]
        for one in there:
            self._collections.note(upload.artifact_name(one.name, one.type), one.type)
        with self._lock:
            self._known.there.update(one.content for one in there)
            self._known.refused.update({one.content: upload.run.header.name for one in missing})

    def forget_names(self, upload: Upload) -> None:
        """Hear that W&B did not take all of a W&B run: others may have given names a type."""
        self._collections.forget(one.name for one in upload.run.logged)

    def with_current_names(self, upload: Upload) -> Upload:
        """Return what is to be sent under the names that its artifacts have here by now."""
        return replace(
            upload, names=self._upload(upload.shipment, upload.run, upload.without).names
        )

    def found(self, header: RunHeader) -> Existing:
        """Return a W&B run that has just been looked up; SinkError if it is gone."""
        found = self.existing.get(header.id)
        if found is None:
            raise SinkError(f"{header.name} is not there any more")
        return found

    def use_losses(self, upload: Upload) -> tuple[Loss, ...]:
        """Return which uses are lost, since who should have logged the artifacts could not."""
        return tuple(
            Loss(f"use of {name} by {upload.run.header.name}", f"{who} could not log it")
            for (name, _), who in sorted(upload.without.items())
        )

    def mark_failed(self, headers: Iterable[RunHeader]) -> None:
        """Hear that W&B runs won't be there; nothing that uses their artifacts can be, then."""
        for header in headers:
            try:
                self._note(self._known.failed, read_run(header))
            except SinkError:  # noqa: PERF203 - who needs what is in there is told then
                continue

    def _is_complete(self, shipment: Shipment, run: RecordedRun) -> bool:
        """Whether all of a W&B run is there; if only its words differ, they are changed."""
        found = self.existing.get(run.header.id)
        if found is None or found.complete is None:
            return False
        wrote = found.complete != run.fingerprint
        if wrote and (not differ_in_words(found.complete, run.fingerprint) or not found.receipt):
            return False
        receipt = found.receipt or run.receipt
        if wrote:
            said = say_words(self.existing, run, receipt, found, self.edit_rule)
            shipment.note_edits(run.header, said)
        shipment.note(run.header, found.id, found.url, receipt, wrote=wrote)
        with self._lock:
            self._known.there.update(one.content for one in run.logged)
        return True

    def _unavailable(self, run: RecordedRun) -> dict[Content, str]:
        """Return what nobody has logged of what a W&B run uses, and who should have."""
        with self._lock:
            known = self._known
            missing = {one.content for one in run.used} - known.there
            for name, digest in sorted(missing & known.failed.keys()):
                who = known.failed[name, digest]
                raise SinkError(f"{run.header.name} uses {name} of {who}, which is not there")
            absent = {**known.deleted, **known.refused}
            return {one: absent[one] for one in missing & absent.keys()}

    def _note(self, where: dict[Content, str], run: RecordedRun) -> None:
        with self._lock:
            where.update({one.content: run.header.name for one in run.logged})
