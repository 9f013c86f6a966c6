"""A flow run on its way from a bundle to a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mfwb.errors import SinkError, SkipFlowRun, ends_the_call
from mfwb.item_counts import count_same_content
from mfwb.outcome import ItemCounts, WandbRunOutcome
from mfwb.planning import WandbRunId
from mfwb.ports import Cargo, Pushed
from mfwb.safe_text import one_line
from mfwb.sink.content.edits import MergedMetadata
from mfwb.sink.content.receipt import Receipt
from mfwb.sink.offline.bundle import find_bundled_runs
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.bundle_run import Title, read_title
from mfwb.sink.push.original_run import original_of
from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.sink.server.run_generations import digest_of_id
from mfwb.snapshot import Loss

__all__ = ["Shipment", "load"]


@dataclass(slots=True)
class Shipment:
    """What has to be pushed of a flow run, and what became of it so far.

    Attributes:
        titles: of its W&B runs.
        reason: why it can't go on; empty: it does.
        wrote: whether anything had to be written.
        superseded: whether the bundle has something else in its place.
        bug: the error of ours because of which it can't go on, if that is why.
    """

    cargo: Cargo
    titles: Sequence[Title]
    reason: str = ""
    bug: BaseException | None = None
    wrote: bool = False
    superseded: bool = False
    _outcomes: dict[str, WandbRunOutcome] = field(default_factory=dict)
    _troubles: list[str] = field(default_factory=list)
    _edits: dict[str, MergedMetadata] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return bool(self.reason) or len(self._outcomes) == len(self.titles)

    def has(self, title: Title) -> bool:
        """Whether all of a W&B run is there."""
        found = self._outcomes.get(title.id)
        return found is not None and found.complete and not found.deleted

    def was_written(self, title: Title) -> bool:
        """Whether a W&B run was pushed once, so that it was deleted if it is not there."""
        return digest_of_id(title.id) in {digest_of_id(one) for one in self.cargo.written}

    def note(
        self, title: Title, run_id: WandbRunId, url: str, receipt: Receipt, *, wrote: bool
    ) -> None:
        """Hear that a W&B run is there, complete."""
        bundled = self._bundled(title)
        self._outcomes[title.id] = replace(
            bundled,
            id=run_id,
            url=url,
            dir=None,
            outputs=receipt.outputs,
            items=count_same_content(bundled.items, receipt.outputs),
            losses=tuple(dict.fromkeys((*bundled.losses, *receipt.losses))),
            edits_kept=self._edits[title.id].kept if title.id in self._edits else (),
            edits_undone=self._edits[title.id].undone if title.id in self._edits else (),
        )
        self.wrote = self.wrote or wrote

    def note_edits(self, title: Title, said: MergedMetadata) -> None:
        """Hear what others had changed in a W&B run, before it is noted."""
        before = self._edits.get(title.id)
        undone = (*(before.undone if before else ()), *said.undone)
        self._edits[title.id] = replace(said, undone=tuple(dict.fromkeys(undone)))

    def note_lacking(self, title: Title, found: ExistingRun, losses: tuple[Loss, ...]) -> None:
        """Hear that a W&B run is there, but for some artifacts: the rest of the flow run goes on.

        Another push may bring them.
        """
        bundled = self._bundled(title)
        lost = {loss.item for loss in losses}
        self._outcomes[title.id] = replace(
            bundled,
            id=found.id,
            url=found.url,
            dir=None,
            outputs=tuple(one for one in bundled.outputs if f"{title.name}/{one.name}" not in lost),
            losses=tuple(dict.fromkeys((*bundled.losses, *losses))),
            complete=False,
        )
        self.wrote = True
        self._troubles += [f"{loss.item}: {loss.reason}" for loss in losses]

    def note_deleted(self, title: Title) -> None:
        """Hear that somebody deleted a W&B run, so that it stays away."""
        bundled = self._bundled(title)
        away = ItemCounts(total=bundled.items.total, switched_off=bundled.items.total)
        self._outcomes[title.id] = replace(
            bundled, dir=None, outputs=(), losses=(), items=away, deleted=True
        )

    def fail(self, error: BaseException) -> None:
        """Hear that it can't go on; the first reason is the one that is told."""
        if not self.reason:
            self.reason = one_line(str(error)) or type(error).__name__
            self.bug = None if isinstance(error, SkipFlowRun) else error

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Do something without which it can't go on; others have nothing to do with it."""
        try:
            yield
        except BaseException as error:
            if ends_the_call(error):
                raise
            self.fail(error)

    def missing(self) -> Iterable[Title]:
        """Return the W&B runs that are not there."""
        return (title for title in self.titles if title.id not in self._outcomes)

    def as_pushed(self) -> Pushed:
        """Return what became of it."""
        ids = [run.id for run in self.cargo.outcome.wandb_runs]
        runs = tuple(self._outcomes[one] for one in ids if one in self._outcomes)
        return Pushed(
            self.cargo,
            runs,
            wrote=self.wrote,
            reason=self.reason or "; ".join(self._troubles),
            superseded=self.superseded,
            bug=self.bug,
        )

    def _bundled(self, title: Title) -> WandbRunOutcome:
        return next(run for run in self.cargo.outcome.wandb_runs if run.id == title.id)


def load(cargo: Cargo, bundle: Path, checksums: Checksums) -> Shipment:
    """Return a flow run with what a bundle has of it; one that is not there can't go on.

    BundleChanged if what is there is not what mfwb wrote.
    """
    shipment = Shipment(cargo, ())
    with shipment.failing():
        shipment = _loaded(cargo, bundle, checksums)
    return shipment  # noqa: RET504 - what was loaded, or what failed


def _loaded(cargo: Cargo, bundle: Path, checksums: Checksums) -> Shipment:
    titles = _titles(cargo, bundle, checksums)
    if other := next((title for title in titles if not _is_of(title, cargo)), None):
        reason = f"{bundle} has that of {_origin(other)} in its place"
        return Shipment(cargo, (), reason=reason, superseded=True)
    return Shipment(cargo, titles)


def _titles(cargo: Cargo, bundle: Path, checksums: Checksums) -> list[Title]:
    ids = [WandbRunId(run.id) for run in cargo.outcome.wandb_runs]
    found = find_bundled_runs(bundle, ids)
    whole = [one for run_id in ids for one in found.get(run_id, ()) if one.is_finished]
    if [one.run_id for one in whole] != ids:
        raise SinkError(
            f"{bundle} does not have each W&B run of {cargo.entry.flow_run} once; sync that into "
            "it again with --force"
        )
    return [read_title(original_of(one, checksums)) for one in whole]


def _is_of(title: Title, cargo: Cargo) -> bool:
    """Whether a W&B run is of this sync, and not of a later one that made the same ids."""
    place = (cargo.destination.entity, cargo.destination.project)
    provider = cargo.entry.provider
    return title.place == place and provider in ("", title.source.provider)


def _origin(title: Title) -> str:
    return f"{title.source.provider} for {'/'.join(title.place)}"
