"""One project that a bundle is pushed to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock

from mfwb.config import OnDeleted
from mfwb.errors import SinkError
from mfwb.sink.amending import differ_in_words
from mfwb.sink.claims import Claims
from mfwb.sink.edits import EditRule, merged, others_summary
from mfwb.sink.existing import Existing, ExistingRuns
from mfwb.sink.newest import Newest
from mfwb.sink.push.derived import Derivation
from mfwb.sink.push.finishing import say_words
from mfwb.sink.push.recorded import RecordedRun, Title, read_run
from mfwb.sink.push.shipment import Shipment
from mfwb.sink.service import Service
from mfwb.sink.words import words_there
from mfwb.snapshot import Loss

__all__ = ["Place", "Project"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where that is."""

    entity: str
    project: str


@dataclass(slots=True)
class _Absent:
    """Artifacts that are not there, by name and digest: who should have logged them, and why."""

    deleted: dict[tuple[str, str], str] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)


class Project:
    """Finds out what of a W&B run has to be sent."""

    def __init__(
        self,
        place: Place,
        service: Service,
        *,
        writer: str,
        on_deleted: OnDeleted,
        edit_rule: EditRule,
    ) -> None:
        self.edit_rule = edit_rule
        self.service = service
        self.existing = ExistingRuns(service, place.entity, place.project)
        self.newest = Newest(service, place.entity, place.project)
        self._claims = Claims(place, self.existing, service, writer=writer, on_deleted=on_deleted)
        self._absent = _Absent()
        self._lock = Lock()

    def prepare(self, shipment: Shipment, title: Title) -> Derivation | None:
        """Return what is to be sent of a W&B run; None if nothing is. NotOurs, SinkError.

        It is claimed, so that nobody else writes it.
        """
        run = read_run(title)
        if self._is_there(shipment, run):
            return None
        without = self._not_to_be_used(run)
        claim = self._claims.claim(title, was_there=shipment.was_there(title))
        if claim.id is None:
            shipment.note_deleted(title)
            self._note_absent(self._absent.deleted, run)
            return None
        if claim.is_new:
            return Derivation(run, claim.id, 0, without)
        self.existing.look([title])  # what it has now that nobody else writes it
        if self._is_there(shipment, run):
            return None
        first_step = self.existing.next_step(title.id)
        what = Derivation(run, claim.id, first_step, without)
        return self._beside_others(shipment, what)

    def _beside_others(self, shipment: Shipment, what: Derivation) -> Derivation:
        """Return what is to be sent of a W&B run that is there, with what others wrote in it."""
        found = self.existing.get(what.run.title.id)
        if found is None:
            return what
        handle = found.handle
        both = merged(what.run.words(), words_there(handle), self.edit_rule)
        shipment.note_edits(what.run.title, both)
        wrote = found.receipt.summary_keys if found.receipt else ()
        keys = (*what.run.summary_keys, *what.run.receipt.summary_keys)
        others = others_summary(handle.summary_metrics, keys, wrote)
        return replace(what, words=both.words, others=others)

    def found(self, title: Title) -> Existing:
        """Return a W&B run that has just been looked up; SinkError if it is gone."""
        found = self.existing.get(title.id)
        if found is None:
            raise SinkError(f"{title.name} is not there any more")
        return found

    def losses_of(self, what: Derivation) -> tuple[Loss, ...]:
        """Return which uses are lost, since who logged the artifacts was deleted."""
        return tuple(
            Loss(
                f"use of {name} by {what.run.title.name}",
                f"{self._absent.deleted[name, digest]} could not log it",
            )
            for name, digest in sorted(what.without)
        )

    def give_up(self, titles: Iterable[Title]) -> None:
        """Hear that W&B runs won't be there; nothing that uses their artifacts can be, then."""
        for title in titles:
            try:
                self._note_absent(self._absent.failed, read_run(title))
            except SinkError:  # noqa: PERF203 - who needs what is in there is told then
                continue

    def _is_there(self, shipment: Shipment, run: RecordedRun) -> bool:
        """Whether all of a W&B run is there; if only its words differ, they are changed."""
        found = self.existing.get(run.title.id)
        if found is None or found.complete is None:
            return False
        wrote = found.complete != run.fingerprint
        if wrote and (not differ_in_words(found.complete, run.fingerprint) or not found.receipt):
            return False
        receipt = found.receipt or run.receipt
        if wrote:
            said = say_words(self.existing, run, receipt, found, self.edit_rule)
            shipment.note_edits(run.title, said)
        shipment.note(run.title, found.id, found.url, receipt, wrote=wrote)
        return True

    def _not_to_be_used(self, run: RecordedRun) -> frozenset[tuple[str, str]]:
        uses = {one.content for one in run.used}
        with self._lock:
            for name, digest in sorted(uses & self._absent.failed.keys()):
                who = self._absent.failed[name, digest]
                raise SinkError(f"{run.title.name} uses {name} of {who}, which is not there")
            return frozenset(uses & self._absent.deleted.keys())

    def _note_absent(self, where: dict[tuple[str, str], str], run: RecordedRun) -> None:
        with self._lock:
            where.update({one.content: run.title.name for one in run.logged})
