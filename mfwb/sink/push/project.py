"""One project that a bundle is pushed to."""

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
from mfwb.sink.push.bundle_run import RecordedRun, Title, read_history, read_run
from mfwb.sink.push.finalize import write_run_metadata
from mfwb.sink.push.shipment import Shipment
from mfwb.sink.push.upload_files import Derivation
from mfwb.sink.server.claims import Claims
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LatestAlias
from mfwb.sink.server.update_run import has_same_content
from mfwb.snapshot import Loss

__all__ = ["Place", "Project"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where that is."""

    entity: str
    project: str


Content = tuple[str, str]
"""Name and digest of an artifact, as the bundle has them."""


@dataclass(slots=True)
class _Known:
    """Artifacts that are there, or are not: who should have logged them, and why they are not."""

    there: set[Content] = field(default_factory=set)
    deleted: dict[Content, str] = field(default_factory=dict)
    refused_error: dict[Content, str] = field(default_factory=dict)
    failed: dict[Content, str] = field(default_factory=dict)


class Project:
    """Finds out what of a W&B run has to be sent."""

    def __init__(
        self,
        place: Place,
        client: ApiClient,
        *,
        writer: str,
        on_deleted: OnDeleted,
        edit_rule: EditRule,
    ) -> None:
        self.edit_rule = edit_rule
        self.client = client
        self.existing = ExistingRuns(client, place.entity, place.project)
        self._collections = Collections(client, place.entity, place.project)
        self.latest_alias = LatestAlias(client, place.entity, place.project, self._collections)
        self._claims = Claims(place, self.existing, client, writer=writer, on_deleted=on_deleted)
        self._known = _Known()
        self._lock = Lock()

    def prepare(self, shipment: Shipment, title: Title) -> Derivation | None:
        """Return what is to be sent of a W&B run; None if nothing is. NotOurs, SinkError.

        It is claimed, so that nobody else writes it.
        """
        run = read_run(title)
        if self._is_there(shipment, run):
            return None
        without = self._not_to_be_used(run)
        claim = self._claims.claim(title, was_written=shipment.was_written(title))
        if claim.id is None:
            shipment.note_deleted(title)
            self._note(self._known.deleted, run)
            return None
        what = replace(self._what(run, without), id=claim.id)
        if claim.is_new:
            return what
        self.existing.fetch([title])  # what it has now that nobody else writes it
        if self._is_there(shipment, run):
            return None
        return self._beside_others(shipment, self.without_rows_there(what))

    def without_rows_there(self, what: Derivation) -> Derivation:
        """Return what is to be sent of a W&B run that has some rows of history already."""
        title = what.run.title
        there = self.existing.read_histories([title.id]).get(title.id, History())
        planned = read_history(title.original) if what.run.last_step is not None else []
        missing = frozenset(step for step, _ in missing_rows(planned, there.rows))
        return replace(what, goes_on=bool(there.rows or there.lines), rows_missing=missing)

    def _beside_others(self, shipment: Shipment, what: Derivation) -> Derivation:
        """Return what is to be sent of a W&B run that is there, with what others wrote in it."""
        found = self.existing.get(what.run.title.id)
        if found is None:
            return what
        handle = found.handle
        both = merge_metadata(what.run.run_metadata(), read_run_metadata(handle), self.edit_rule)
        shipment.note_edits(what.run.title, both)
        wrote = found.receipt.summary_keys if found.receipt else ()
        keys = (*what.run.summary_keys, *what.run.receipt.summary_keys)
        others = select_others_summary(handle.summary_metrics, keys, wrote)
        return replace(what, run_metadata=both.run_metadata, others=others)

    def _what(self, run: RecordedRun, without: Mapping[Content, str]) -> Derivation:
        """Return all of a W&B run, under the names that its artifacts have here."""
        artifacts = {(one.name, one.type) for one in (*run.logged, *run.used) if not one.is_own}
        self._collections.load(sorted(name for name, _ in artifacts))
        called = {one: self._collections.name_in_project(*one) for one in artifacts}
        return Derivation(
            run=run,
            id=run.title.id,
            token=uuid4().hex,
            without=without,
            for_now=without.keys() & self._known.refused_error.keys(),
            names={one: name for one, name in called.items() if name != one[0]},
        )

    def note_there(self, what: Derivation, but: Collection[Content] = ()) -> None:
        """Hear that what a W&B run logs is there, but for some, as they are called in W&B."""
        there = [one for one in what.run.logged if what.as_called(one).content not in but]
        missing = [one for one in what.run.logged if what.as_called(one).content in but]
        for one in there:
            self._collections.note(what.called(one.name, one.type), one.type)
        with self._lock:
            self._known.there.update(one.content for one in there)
            self._known.refused_error.update({one.content: what.run.title.name for one in missing})

    def forget_types(self, what: Derivation) -> None:
        """Hear that W&B did not take all of a W&B run: others may have given names a type."""
        self._collections.forget(one.name for one in what.run.logged)

    def named_anew(self, what: Derivation) -> Derivation:
        """Return what is to be sent under the names that its artifacts have here by now."""
        return replace(what, names=self._what(what.run, what.without).names)

    def found(self, title: Title) -> ExistingRun:
        """Return a W&B run that has just been looked up; SinkError if it is gone."""
        found = self.existing.get(title.id)
        if found is None:
            raise SinkError(f"{title.name} is not there any more")
        return found

    def losses_of(self, what: Derivation) -> tuple[Loss, ...]:
        """Return which uses are lost, since who should have logged the artifacts could not."""
        return tuple(
            Loss(f"use of {name} by {what.run.title.name}", f"{who} could not log it")
            for (name, _), who in sorted(what.without.items())
        )

    def give_up(self, titles: Iterable[Title]) -> None:
        """Hear that W&B runs won't be there; nothing that uses their artifacts can be, then."""
        for title in titles:
            try:
                self._note(self._known.failed, read_run(title))
            except SinkError:  # noqa: PERF203 - who needs what is in there is told then
                continue

    def _is_there(self, shipment: Shipment, run: RecordedRun) -> bool:
        """Whether all of a W&B run is there; if only its words differ, they are changed."""
        found = self.existing.get(run.title.id)
        if found is None or found.complete is None:
            return False
        wrote = found.complete != run.fingerprint
        if wrote and (not has_same_content(found.complete, run.fingerprint) or not found.receipt):
            return False
        receipt = found.receipt or run.receipt
        if wrote:
            said = write_run_metadata(self.existing, run, receipt, found, self.edit_rule)
            shipment.note_edits(run.title, said)
        shipment.note(run.title, found.id, found.url, receipt, wrote=wrote)
        with self._lock:
            self._known.there.update(one.content for one in run.logged)
        return True

    def _not_to_be_used(self, run: RecordedRun) -> dict[Content, str]:
        """Return what nobody has logged of what a W&B run uses, and who should have."""
        with self._lock:
            known = self._known
            missing = {one.content for one in run.used} - known.there
            for name, digest in sorted(missing & known.failed.keys()):
                who = known.failed[name, digest]
                raise SinkError(f"{run.title.name} uses {name} of {who}, which is not there")
            absent = {**known.deleted, **known.refused_error}
            return {one: absent[one] for one in missing & absent.keys()}

    def _note(self, where: dict[Content, str], run: RecordedRun) -> None:
        with self._lock:
            where.update({one.content: run.title.name for one in run.logged})
