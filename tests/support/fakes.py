"""The outside world in memory: small but real implementations of the ports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost, LockHeld, NotFound, SinkError
from mfwb.files.allowed_files import AllowedFiles
from mfwb.item_counts import as_planned
from mfwb.outcome import OutputOutcome, WandbRunOutcome
from mfwb.pipeline import Parts
from mfwb.planning import Consoles, Content, InputArtifact, Plan, PlannedRun
from mfwb.ports import (
    AppliedRule,
    BlobLocation,
    CheckpointFile,
    CodeFile,
    Contents,
    Destination,
    Ended,
    Entry,
    ExcludedCode,
    ExistingFlowRun,
    ExistingWandbRun,
    ExpectedFiles,
    ExpectedRun,
    ListedFlowRun,
    LogLine,
    OwnRun,
    ReadyRun,
    Session,
    SyncState,
    WrittenRun,
)
from mfwb.request_budget import RequestBudget
from mfwb.safe_text import one_line
from mfwb.sink.content.producers import Producers
from mfwb.snapshot import Card, FlowRun, Loss
from mfwb.snapshot.checkpoints import StoredReference
from mfwb.snapshot.pathspec import FlowRunId, Pathspec
from mfwb.verification_outcome import FlowRunVerification

__all__ = ["MemoryLedger", "MemoryMetaflow", "MemoryWandb", "World"]


class NoContents:
    """The bytes of a flow run whose datastore is empty."""

    own_folder: Path | None = None

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Find nothing."""
        return dict.fromkeys((content.sha1 for content in contents[:0]), b"")

    def head(self, content: Content, size: int) -> bytes:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, nor are {size} bytes of it")

    def copy(self, content: Content, path: Path) -> str:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, nor is {path}")

    def locate(self, content: Content) -> BlobLocation | None:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there")

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, {path}, {allowed}, {limit}")

    def check_included(self, content: Content, *, allowed: AllowedFiles, limit: int | None) -> None:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, {allowed}, {limit}")

    def checkpoint_files(self, task: str, reference: StoredReference) -> Iterator[CheckpointFile]:
        """Find nothing."""
        raise ItemLost(f"{task} has no {reference.key}")

    def locate_checkpoint(
        self, task: str, reference: StoredReference
    ) -> list[tuple[str, BlobLocation]] | None:
        """Find nothing."""
        raise ItemLost(f"{task} has no {reference.key}")

    def read_code(
        self, content: Content, packed: Path, keep: Callable[[CodeFile], None]
    ) -> ExcludedCode:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, {packed}, {keep}")

    def log(self, task: str, *, max_bytes: int) -> Iterable[LogLine]:
        """Find nothing."""
        raise ItemLost(f"{task} has no log, nor {max_bytes} bytes of it")

    def small_log_size(self, task: str, *, max_bytes: int) -> int | None:
        """Know nothing."""
        raise ItemLost(f"{task} has no log, nor {max_bytes} bytes of it")

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Find nothing."""
        raise ItemLost(f"{task} has no card {card.uuid}, nor {path}")


@dataclass
class MemoryMetaflow:
    """A source that holds some flow runs, in any order."""

    flow_runs: list[FlowRun] = field(default_factory=list)
    provider: str = "local@/data"
    consoles: Consoles = field(default_factory=Consoles)

    def flows(self) -> list[str]:
        """Return the names of all flows."""
        return sorted({run.flow for run in self.flow_runs})

    def list(self, flow: str) -> list[ListedFlowRun]:
        """Return the runs of a flow, newest first; of one moment by id, which is a number."""
        result = [
            ListedFlowRun(Pathspec(run.flow, run.id), run.started_at, run.tags, run.system_tags)
            for run in self.flow_runs
            if run.flow == flow
        ]
        if not result:
            raise NotFound(f"there is no {flow}")
        return sorted(result, key=_start, reverse=True)

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return a flow run."""
        for run in self.flow_runs:
            if run.pathspec == str(flow_run):
                return run
        raise NotFound(f"there is no {flow_run}")

    def contents(self, flow_run: FlowRun) -> Contents:  # noqa: ARG002 - all are alike
        """Return nothing much."""
        return NoContents()


def _start(listed: ListedFlowRun) -> tuple[int, int, str]:
    run = str(listed.pathspec.run)
    return listed.started_at, len(run), run


@dataclass
class MemoryPayloads:
    """Payloads without files; what is `gone` by pathspec is lost."""

    gone: set[str] = field(default_factory=set)
    prepared: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def decode(self, wanted: Sequence[Content], contents: Contents) -> Mapping[str, Any]:  # noqa: ARG002
        """Know nothing."""
        return {}

    def inspect(self, flow_run: FlowRun, contents: Contents) -> FlowRun:  # noqa: ARG002
        """See nothing more than is known."""
        return flow_run

    def prestart(self, plan: Plan) -> None:
        """Note which flow run is carried out."""
        self.expected.append(plan.flow_run)

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:  # noqa: ARG002
        """Return the keys of the summary."""
        self.prepared.append(run.name)
        items = {
            f"{content.task}/{content.name}" for value in run.values for content in value.contents
        }
        lost = tuple(Loss(item, "gone") for item in sorted(items & self.gone))
        summary = {
            value.key: 1
            for value in run.values
            if any(f"{content.task}/{content.name}" not in self.gone for content in value.contents)
        }
        return ReadyRun(summary, history=(), table=None, artifacts=(), losses=lost)

    def values(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return the same: there are no files."""
        return self.prepare(run, contents)

    def files(self, run: PlannedRun, contents: Contents) -> ReadyRun:  # noqa: ARG002
        """Return nothing."""
        return ReadyRun()

    def log(self, run: PlannedRun, contents: Contents) -> ReadyRun:  # noqa: ARG002
        """Return nothing."""
        return ReadyRun()

    def expect(self, run: PlannedRun, contents: Contents) -> ExpectedRun:
        """Know what will be lost."""
        prepared = self.prepare(run, contents)
        self.prepared.pop()
        files = {output.name: ExpectedFiles() for output in run.outputs}
        return ExpectedRun(prepared.losses, files)

    def apply_rules(self, run: PlannedRun, contents: Contents) -> Mapping[str, AppliedRule]:  # noqa: ARG002
        """Return nothing."""
        return {}

    def release(self, run: PlannedRun) -> None:
        """Note which W&B run needs its files no more."""
        self.released.append(run.name)

    def discard(self, plan: Plan) -> None:
        """Have nothing left to do."""

    def close(self) -> None:
        """Have nothing to clean up."""


@dataclass
class MemoryWandb:
    """A sink: W&B runs by id, with the fingerprint of the plan that wrote them."""

    entity: str = "acme"
    project: str = ""  # that of all flows; empty: each has one that is called like it
    runs: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)  # names, in the order in which they ended
    updated: list[str] = field(default_factory=list)  # names, of those that got other words
    refused: set[str] = field(default_factory=set)  # names of W&B runs that can't be written
    deleted: set[str] = field(default_factory=set)  # names of W&B runs that somebody deleted
    lost: set[str] = field(default_factory=set)  # names of those that vanish after they are written
    looked_ahead: list[list[str]] = field(default_factory=list)
    bundle: Path | None = None
    request_budget: RequestBudget = field(default_factory=RequestBudget)
    plans: dict[str, Plan] = field(default_factory=dict)  # by flow run, as they were opened last

    def prefetch(self, destination: Destination, groups: Sequence[str]) -> None:  # noqa: ARG002
        """Note what was asked for."""
        self.looked_ahead.append(list(groups))

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Return what was written there."""
        for plan in sorted(self.plans.values(), key=lambda item: item.source.created_at):
            existing = [run for run in plan.runs if run.id in self.runs]
            if existing and (plan.entity, plan.project) == (
                destination.entity,
                destination.project,
            ):
                yield ExistingFlowRun(
                    plan.flow_run,
                    plan.source.provider,
                    plan.source.created_at,
                    plan.group,
                    tuple(sorted(map(_found, existing), key=lambda item: item.name)),
                )

    def destination(self, flow: str) -> Destination:
        """Return a project that is called like the flow."""
        return Destination("online", "memory://wandb", self.entity, self.project or flow.lower())

    def existing(
        self,
        plan: Plan,
        *,
        writer: str,  # noqa: ARG002 - there is no other
        written: Collection[str] = (),
    ) -> Mapping[str, ExistingWandbRun]:
        """Return what is there, and what is not any more."""
        there: dict[str, ExistingWandbRun] = {
            run.id: ExistingWandbRun(run.id, f"memory://wandb/{run.id}", self.runs[run.id])
            for run in plan.runs
            if run.id in self.runs
        }
        gone: dict[str, ExistingWandbRun] = {
            run.id: ExistingWandbRun(run.id, deleted=True)
            for run in plan.runs
            if run.id not in self.runs and run.id in written
        }
        return {**there, **gone}

    def has_logged(self, plan: Plan, used: InputArtifact) -> bool:  # noqa: ARG002
        """Return whether it is there."""
        return used.producer in self.runs

    def find_ids(self, destination: Destination, groups: Sequence[str]) -> frozenset[str]:  # noqa: ARG002
        """Return all that is there."""
        return frozenset(self.runs)

    def find_own_runs(
        self,
        destination: Destination,  # noqa: ARG002 - there is one
        source: FlowRunId,
        *,
        group: str,  # noqa: ARG002 - all are those of the flow run
        wandb_runs: Collection[str],  # noqa: ARG002 - none has left it
    ) -> tuple[list[OwnRun], int]:
        """Return what was written of a flow run."""
        plan = self.plans.get(source.flow_run)
        runs = [run for run in plan.runs if run.id in self.runs] if plan else []
        return [OwnRun(run.id, run.name, "memory", is_open=False) for run in runs], 0

    def delete_run(self, destination: Destination, run: OwnRun) -> None:  # noqa: ARG002 - the same
        """Delete what was written."""
        self.runs.pop(run.id, None)

    @contextmanager
    def open(
        self,
        plan: Plan,
        *,
        writer: str,  # noqa: ARG002 - there is no other
        written: Collection[str] = (),
        forgotten: Collection[str] = (),  # noqa: ARG002 - it deletes none
    ) -> Iterator[Session]:
        """Yield a session."""
        self.plans[plan.flow_run] = plan
        yield MemorySession(self, plan, frozenset(written))


@dataclass
class MemorySession:
    """A session of `MemoryWandb`."""

    wandb: MemoryWandb
    plan: Plan
    written_once: frozenset[str] = frozenset()
    lock: threading.Lock = field(default_factory=threading.Lock)
    producers: Producers = field(default_factory=Producers)

    def find_existing(self, run: PlannedRun) -> WrittenRun | None:
        """Return a W&B run that is there, if it says what is planned but for words."""
        existing = self.wandb.runs.get(run.id, "").partition(".")[0]
        return _as_written(run) if existing == run.fingerprint.partition(".")[0] else None

    def enqueue(self, run: PlannedRun) -> None:
        """Note that it will be written; versions have no numbers here."""
        self.producers.enqueue(run.id)

    def dequeue(self, run: PlannedRun, *, written: bool) -> None:
        """Note that nobody has to wait for it."""
        self.producers.dequeue(run.id, written=written)

    def update(
        self,
        run: PlannedRun,
        found: WrittenRun,
        rules: Mapping[str, AppliedRule],  # noqa: ARG002
    ) -> WrittenRun:
        """Take over the words of the plan, if they are others."""
        self.producers.wait(run.inputs)
        with self.lock:
            if self.wandb.runs[run.id] == run.fingerprint:
                return found
            if run.name in self.wandb.refused:
                raise SinkError(f"W&B refuses {run.name}")
            self.wandb.runs[run.id] = run.fingerprint
            self.wandb.updated.append(run.name)
        return replace(found, updated=True)

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:  # noqa: ARG002
        """Write a W&B run; all that it uses must have been written."""
        self.producers.wait(run.inputs)
        with self.lock:
            if run.name in self.wandb.deleted and run.id in self.written_once:
                return WrittenRun(run.id, "", (), (), deleted=True)
            if run.name in self.wandb.refused:
                raise SinkError(f"W&B refuses {run.name}")
            missing = [item.producer for item in run.inputs if item.producer not in self.wandb.runs]
            if missing:
                raise SinkError(f"{run.name} uses artifacts of {missing}, which are not there")
            self.wandb.runs[run.id] = run.fingerprint
            self.wandb.written.append(run.name)
        return _as_written(run)

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Say what has vanished."""
        if gone := self.wandb.lost & set(self.wandb.written):
            raise SinkError(f"W&B does not have {sorted(gone)}")
        return {}


def _as_written(run: PlannedRun) -> WrittenRun:
    outputs = tuple(
        OutputOutcome(output.name, output.type, f"digest of {run.name}/{output.name}", 1, ())
        for output in run.outputs
    )
    return WrittenRun(run.id, f"memory://wandb/{run.id}", outputs, (), log_lines=0)


def _found(run: PlannedRun) -> WandbRunOutcome:
    written = _as_written(run)
    return replace(as_planned(run), url=written.location, outputs=written.outputs)


@dataclass
class MemoryLedger:
    """A ledger that is forgotten with the process.

    Attributes:
        id: what tells it from others.
        folder: where it would lie: the base of what was synced offline.
        written: all that ever was, in that order.
    """

    id: str = "memory"
    folder: str = "/memory"
    rows: dict[tuple[str, str, Destination], Entry] = field(default_factory=dict)
    written: list[Entry] = field(default_factory=list)
    held: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[tuple[Destination, str]] = field(default_factory=set)

    @contextmanager
    def lock(self, destinations: Iterable[Destination], *, wait: float) -> Iterator[None]:
        """Hold entities and projects; it is of no use to wait where nobody else is at work."""
        requested = {
            (destination.entity or "", destination.project) for destination in destinations
        }
        if self.held & requested:
            raise LockHeld(f"another sync is at work, and still is after {wait} seconds")
        self.held |= requested
        try:
            yield
        finally:
            self.held -= requested

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return what is known of one flow run, from wherever it was read if nobody knows."""
        location = self._kept(destination)
        return self.rows.get((flow_run, provider, location)) or self.rows.get(
            (flow_run, "", location)
        )

    def entries_of(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, Entry]:
        """Return what is known of some flow runs, with what is shown of unchanged ones."""
        known = {name: self.entry(name, provider, destination) for name in flow_runs}
        return {
            name: replace(entry, outcome=entry.outcome and entry.outcome.as_unchanged())
            for name, entry in known.items()
            if entry is not None
        }

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        sync_state: SyncState | None = None,
        is_open: bool = False,
    ) -> list[Entry]:
        """Return what is known, oldest flow run first, without outcomes."""
        result = [
            replace(row, outcome=None)
            for row in self.rows.values()
            if provider in (None, row.provider) or not row.provider
            if destination is None or self._kept(destination) == row.destination
            if flow in (None, row.flow_run.split("/")[0])
            if sync_state in (None, row.sync_state)
            if not is_open or row.sync_state.is_open
        ]
        return sorted(result, key=lambda item: (item.started_at, item.flow_run))

    def stamps(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, str]:
        """Return what the listing said of flow runs that were synced, by pathspec."""
        known = self.entries_of(flow_runs, provider, destination)
        synced = SyncState.SYNCED
        return {
            name: entry.listed
            for name, entry in known.items()
            if entry.sync_state is synced and entry.digest
        }

    def write(self, entry: Entry) -> None:
        """Keep an entry, at a second of its own."""
        moment = datetime.fromtimestamp(len(self.written), tz=timezone.utc)
        at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        written = replace(entry, destination=self._kept(entry.destination), at=at)
        self.written.append(written)
        self.rows.pop((entry.flow_run, "", written.destination), None)
        self.rows[entry.flow_run, entry.provider, written.destination] = written

    def remove(self, entries: Iterable[Entry]) -> None:
        """Forget entries."""
        for entry in entries:
            key = entry.flow_run, entry.provider, self._kept(entry.destination)
            self.rows.pop(key, None)

    def begin_deletion(self, entry: Entry, wandb_runs: Iterable[str]) -> None:
        """Keep which W&B runs are being deleted."""
        self.deleted |= {(self._kept(entry.destination), name) for name in wandb_runs}
        begun = replace(entry, sync_state=SyncState.BEGUN, digest="")
        self.rows[entry.flow_run, entry.provider, self._kept(entry.destination)] = begun

    def forgotten(self, destination: Destination) -> frozenset[str]:
        """Return which W&B runs were deleted."""
        location = self._kept(destination)
        return frozenset(name for kept, name in self.deleted if kept == location)

    def _kept(self, destination: Destination) -> Destination:
        """Return a destination as a ledger keeps it: a bundle lies where its ledger does."""
        base = self.folder if destination.mode == "offline" else destination.base
        return replace(destination, base=base, entity=destination.entity or None)


@dataclass
class MemoryProgress:
    """Somebody who writes down what is said."""

    heard: list[str] = field(default_factory=list)

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Write down a flow run, counted from 1."""
        self.heard.append(f"{pathspec} ({position + 1} of {total})")

    def connecting(self, end: str, retry: int) -> None:
        """Write down who is called."""
        self.heard.append(f"connecting to {end}, {retry}")

    def connected(self, end: str) -> None:
        """Write down who has answered."""
        self.heard.append(f"connected to {end}")

    def selected(self, flow_runs: int) -> None:
        """Write down how many flow runs there are."""
        self.heard.append(f"{flow_runs} selected")

    def planned(self, flow_run: str, wandb_runs: int) -> None:
        """Write down how many W&B runs it becomes."""
        self.heard.append(f"{flow_run}: {wandb_runs} to write")

    def writing(self, flow_run: str, wandb_run: str) -> None:
        """Write down which one is begun."""
        self.heard.append(f"{flow_run}: {wandb_run} begun")

    def uploading(self, wandb_run: str, sent: int, total: int) -> None:
        """Write down how far an upload is."""
        self.heard.append(f"{wandb_run}: {sent} of {total}")

    def written(self, flow_run: str, wandb_run: str) -> None:
        """Write down that one is done."""
        self.heard.append(f"{flow_run}: {wandb_run} written")

    def finished(self, ended: Ended) -> None:
        """Write down how a flow run ended."""
        how = ended.verdict if isinstance(ended, FlowRunVerification) else ended.status
        self.heard.append(f"{ended.pathspec} {how.value}")


@dataclass
class MemoryBugs:
    """The errors that nobody foresaw."""

    met: list[BaseException] = field(default_factory=list)

    def reason(self, error: BaseException) -> str:
        """Keep an error."""
        self.met.append(error)
        return one_line(f"a bug: {error}", 500)


@dataclass
class World:
    """All parts."""

    metaflow: MemoryMetaflow = field(default_factory=MemoryMetaflow)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    wandb: MemoryWandb = field(default_factory=MemoryWandb)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    progress: MemoryProgress = field(default_factory=MemoryProgress)
    bugs: MemoryBugs = field(default_factory=MemoryBugs)

    @property
    def parts(self) -> Parts:
        """They, as the pipeline wants them."""
        return Parts(
            self.metaflow, self.payloads, self.wandb, self.ledger, self.progress, self.bugs
        )
