"""The push of one flow run: its W&B runs, and their results so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mfwb.account_balance import count_arrived, count_gone, count_refused
from mfwb.errors import SinkError, SkipFlowRun, ends_the_call
from mfwb.item_counts import count_refused_items, count_same_content
from mfwb.outcome import ItemCounts, WandbRunOutcome
from mfwb.planning import WandbRunId
from mfwb.ports import BundledFlowRun, PushedFlowRun
from mfwb.safe_text import one_line
from mfwb.sink.content.edits import MergedMetadata
from mfwb.sink.content.receipt import Receipt
from mfwb.sink.offline.bundle import find_bundled_runs
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.bundle_run import RunHeader, read_header
from mfwb.sink.push.original_run import open_original
from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.sink.server.run_generations import digest_of_id
from mfwb.snapshot import Loss

__all__ = ["ProjectPath", "Shipment", "load"]


@dataclass(frozen=True, slots=True)
class ProjectPath:
    """The entity and the name of a project in W&B."""

    entity: str
    project: str


@dataclass(slots=True)
class Shipment:
    """A flow run that is pushed, and the results of its W&B runs so far.

    Attributes:
        headers: the headers of its W&B runs.
        reason: why the push of it failed; empty: it did not fail.
        wrote: whether anything had to be written.
        superseded: whether another sync has replaced it in the bundle.
        bug: the unexpected error because of which it failed; None: there was none.
    """

    cargo: BundledFlowRun
    headers: Sequence[RunHeader]
    reason: str = ""
    bug: BaseException | None = None
    wrote: bool = False
    superseded: bool = False
    _outcomes: dict[str, WandbRunOutcome] = field(default_factory=dict)
    _troubles: list[str] = field(default_factory=list)
    _edits: dict[str, MergedMetadata] = field(default_factory=dict)

    @property
    def project_path(self) -> ProjectPath:
        """The project that it is sent to."""
        destination = self.cargo.destination
        return ProjectPath(destination.entity or "", destination.project)

    @property
    def is_done(self) -> bool:
        """Whether it failed, or each of its W&B runs has a result."""
        return bool(self.reason) or len(self._outcomes) == len(self.headers)

    def has(self, run_id: WandbRunId) -> bool:
        """Whether a W&B run has arrived completely."""
        outcome = self._outcomes.get(run_id)
        return outcome is not None and outcome.complete and not outcome.deleted

    def was_pushed(self, header: RunHeader) -> bool:
        """Whether a W&B run was pushed before; if W&B does not have it, it was deleted."""
        return digest_of_id(header.id) in {digest_of_id(run_id) for run_id in self.cargo.written}

    def note(  # noqa: PLR0913 - all of a result
        self,
        header: RunHeader,
        run_id: WandbRunId,
        url: str,
        receipt: Receipt,
        *,
        wrote: bool,
        sent: int = 0,
    ) -> None:
        """Note that a W&B run is complete in W&B; `sent` is how many bytes of files that took."""
        bundled = self._bundled(header)
        self._outcomes[header.id] = replace(
            bundled,
            id=run_id,
            url=url,
            dir=None,
            outputs=receipt.outputs,
            items=count_same_content(bundled.items, receipt.outputs),
            account=count_arrived(bundled, receipt.outputs),
            losses=tuple(dict.fromkeys((*bundled.losses, *receipt.losses))),
            edits_kept=self._edits[header.id].kept if header.id in self._edits else (),
            edits_undone=self._edits[header.id].undone if header.id in self._edits else (),
            bytes_written=sent,
        )
        self.wrote = self.wrote or wrote

    def note_edits(self, header: RunHeader, edits: MergedMetadata) -> None:
        """Note the edits of others in a W&B run; this comes before `note`."""
        before = self._edits.get(header.id)
        undone = (*(before.undone if before else ()), *edits.undone)
        self._edits[header.id] = replace(edits, undone=tuple(dict.fromkeys(undone)))

    def note_incomplete(
        self, header: RunHeader, existing: ExistingRun, losses: tuple[Loss, ...], *, sent: int = 0
    ) -> None:
        """Record that a W&B run exists, except for some artifacts, which another push may send.

        The push of the flow run goes on.
        """
        bundled = self._bundled(header)
        lost = {loss.item for loss in losses}
        refused = [output for output in bundled.outputs if f"{header.name}/{output.name}" in lost]
        self._outcomes[header.id] = replace(
            bundled,
            id=existing.id,
            url=existing.url,
            dir=None,
            outputs=tuple(output for output in bundled.outputs if output not in refused),
            items=count_refused_items(bundled.items, refused),
            account=count_refused(bundled.account, refused),
            losses=tuple(dict.fromkeys((*bundled.losses, *losses))),
            complete=False,
            bytes_written=sent,
        )
        self.wrote = True
        self._troubles += [f"{loss.item}: {loss.reason}" for loss in losses]

    def note_deleted(self, header: RunHeader) -> None:
        """Record that somebody deleted a W&B run, so that it is not written again."""
        bundled = self._bundled(header)
        counts = ItemCounts(total=bundled.items.total, switched_off=bundled.items.total)
        self._outcomes[header.id] = replace(
            bundled,
            dir=None,
            outputs=(),
            losses=(),
            masked=(),
            items=counts,
            account=count_gone(bundled.account),
            deleted=True,
            bytes_written=0,
        )

    def fail(self, error: BaseException) -> None:
        """Note that the push of the flow run failed; only the first reason is kept."""
        if not self.reason:
            self.reason = one_line(str(error)) or type(error).__name__
            self.bug = None if isinstance(error, SkipFlowRun) else error

    @contextmanager
    def catch_errors(self) -> Iterator[None]:
        """Make an error in the `with` body the failure of only this flow run."""
        try:
            yield
        except BaseException as error:
            if ends_the_call(error):
                raise
            self.fail(error)

    def missing_runs(self) -> Iterable[RunHeader]:
        """Return the W&B runs without a result."""
        return (header for header in self.headers if header.id not in self._outcomes)

    def result(self) -> PushedFlowRun:
        """Return the result of the push."""
        ids = [run.id for run in self.cargo.outcome.wandb_runs]
        runs = tuple(self._outcomes[run_id] for run_id in ids if run_id in self._outcomes)
        return PushedFlowRun(
            self.cargo,
            runs,
            wrote=self.wrote,
            reason=self.reason or "; ".join(self._troubles),
            superseded=self.superseded,
            bug=self.bug,
        )

    def _bundled(self, header: RunHeader) -> WandbRunOutcome:
        return next(run for run in self.cargo.outcome.wandb_runs if run.id == header.id)


def load(cargo: BundledFlowRun, bundle: Path, checksums: Checksums) -> Shipment:
    """Return a flow run with its W&B runs in a bundle; it has failed if they can't be read.

    BundleChanged if a file is not what mfwb wrote.
    """
    shipment = Shipment(cargo, ())
    with shipment.catch_errors():
        shipment = _loaded(cargo, bundle, checksums)
    return shipment  # noqa: RET504 - it was replaced, or has failed


def _loaded(cargo: BundledFlowRun, bundle: Path, checksums: Checksums) -> Shipment:
    headers = _headers(cargo, bundle, checksums)
    if other := next((header for header in headers if not _is_of(header, cargo)), None):
        reason = f"{bundle} has the flow run of {_origin(other)} instead"
        return Shipment(cargo, (), reason=reason, superseded=True)
    return Shipment(cargo, headers)


def _headers(cargo: BundledFlowRun, bundle: Path, checksums: Checksums) -> list[RunHeader]:
    ids = [WandbRunId(run.id) for run in cargo.outcome.wandb_runs]
    bundled = find_bundled_runs(bundle, ids)
    finished = [run for run_id in ids for run in bundled.get(run_id, ()) if run.is_finished]
    if [run.run_id for run in finished] != ids:
        raise SinkError(
            f"{bundle} does not have each W&B run of {cargo.entry.flow_run} once; sync that into "
            "it again with --force"
        )
    return [read_header(open_original(run, checksums)) for run in finished]


def _is_of(header: RunHeader, cargo: BundledFlowRun) -> bool:
    """Whether a W&B run is of this sync, and not of a later one with the same ids."""
    project_path = (cargo.destination.entity, cargo.destination.project)
    provider = cargo.entry.provider
    return header.project_path == project_path and provider in ("", header.source.provider)


def _origin(header: RunHeader) -> str:
    return f"{header.source.provider} for {'/'.join(header.project_path)}"
