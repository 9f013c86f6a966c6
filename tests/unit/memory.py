"""The outside world in memory: small but real implementations of the ports."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mfwb.errors import ItemLost, NotThere, SinkError
from mfwb.outcome import FlowRunOutcome, OutputOutcome
from mfwb.pipeline import Parts
from mfwb.planning import Content, Plan, PlannedRun
from mfwb.ports import Contents, Destination, Located, LogLine, ReadyRun, Session, WrittenRun
from mfwb.snapshot import Card, FlowRun, Loss
from mfwb.snapshot.pathspec import LATEST, Pathspec

__all__ = ["MemoryLedger", "MemoryMetaflow", "MemoryWandb", "World"]


class NoContents:
    """The bytes of a flow run whose datastore is empty."""

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Find nothing."""
        return dict.fromkeys((one.sha1 for one in contents[:0]), b"")

    def head(self, content: Content, size: int) -> bytes:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, nor are {size} bytes of it")

    def copy(self, content: Content, path: Path) -> str:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there, nor is {path}")

    def copy_included(self, content: Content, path: Path) -> None:
        """Find nothing."""
        self.copy(content, path)

    def locate(self, content: Content) -> Located | None:
        """Find nothing."""
        raise ItemLost(f"{content.name} is not there")

    def log(self, task: str) -> Iterable[LogLine]:
        """Find nothing."""
        raise ItemLost(f"{task} has no log")

    def card(self, task: str, card: Card) -> str:
        """Find nothing."""
        raise ItemLost(f"{task} has no card {card.uuid}")


@dataclass
class MemoryMetaflow:
    """A source that holds some flow runs, oldest first."""

    flow_runs: list[FlowRun] = field(default_factory=list)
    provider: str = "local@/data"

    def find(self, choice: Pathspec, last: int | None) -> list[Pathspec]:
        """Return the newest `last` of a flow, or the one that is named."""
        found = [Pathspec(one.flow, one.id) for one in self.flow_runs if one.flow == choice.flow]
        if choice.run is None:
            found = found[-(last or len(found)) :]
        elif choice.run == LATEST:
            found = found[-1:]
        else:
            found = [one for one in found if one == choice]
        if not found:
            raise NotThere(f"there is no {choice}")
        return found

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return a flow run."""
        for one in self.flow_runs:
            if one.pathspec == str(flow_run):
                return one
        raise NotThere(f"there is no {flow_run}")

    def contents(self, flow_run: FlowRun) -> Contents:  # noqa: ARG002 - all are alike
        """Return nothing much."""
        return NoContents()


@dataclass
class MemoryPayloads:
    """Payloads without files; what is `gone` by pathspec is lost."""

    gone: set[str] = field(default_factory=set)
    prepared: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def look_inside(self, flow_run: FlowRun, contents: Contents) -> FlowRun:  # noqa: ARG002
        """See nothing more than is known."""
        return flow_run

    def expect(self, plan: Plan) -> None:
        """Note which flow run is carried out."""
        self.expected.append(plan.flow_run)

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:  # noqa: ARG002
        """Return the keys of the summary."""
        self.prepared.append(run.name)
        items = {f"{one.task}/{one.name}" for value in run.values for one in value.contents}
        lost = tuple(Loss(item, "gone") for item in sorted(items & self.gone))
        summary = {value.key: 1 for value in run.values}
        return ReadyRun(summary, history=(), table=None, artifacts=(), losses=lost)

    def release(self, run: PlannedRun) -> None:
        """Note which W&B run needs its files no more."""
        self.released.append(run.name)

    def close(self) -> None:
        """Have nothing to clean up."""


@dataclass
class MemoryWandb:
    """A sink: W&B runs by id, with the fingerprint of the plan that wrote them."""

    entity: str = "acme"
    runs: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)  # names, in the order in which they ended
    refused: set[str] = field(default_factory=set)  # names of W&B runs that can't be written
    asked: list[bool] = field(default_factory=list)

    def destination(self, flow: str, *, ask: bool) -> Destination:
        """Return a project that is called like the flow."""
        self.asked.append(ask)
        return Destination("online", "memory://wandb", self.entity, flow.lower())

    @contextmanager
    def open(self, plan: Plan) -> Iterator[Session]:
        """Yield a session."""
        yield MemorySession(self, plan)


@dataclass
class MemorySession:
    """A session of `MemoryWandb`."""

    wandb: MemoryWandb
    plan: Plan
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return a W&B run that is there, if this very plan wrote it."""
        same = self.wandb.runs.get(run.id) == run.fingerprint
        return self._as_written(run) if same else None

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:  # noqa: ARG002
        """Write a W&B run; all that it uses must have been written."""
        with self.lock:
            if run.name in self.wandb.refused:
                raise SinkError(f"W&B refuses {run.name}")
            missing = [one.producer for one in run.inputs if one.producer not in self.wandb.runs]
            if missing:
                raise SinkError(f"{run.name} uses artifacts of {missing}, which are not there")
            self.wandb.runs[run.id] = run.fingerprint
            self.wandb.written.append(run.name)
        return self._as_written(run)

    def _as_written(self, run: PlannedRun) -> WrittenRun:
        outputs = tuple(
            OutputOutcome(one.name, one.type, f"digest of {run.name}/{one.name}", 1, ())
            for one in run.outputs
        )
        return WrittenRun(f"memory://wandb/{run.id}", outputs, ())


@dataclass
class MemoryLedger:
    """A ledger that is forgotten with the process."""

    entries: dict[tuple[Destination, str], tuple[str, FlowRunOutcome]] = field(default_factory=dict)

    def outcome(self, destination: Destination, plan: Plan) -> FlowRunOutcome | None:
        """Return the outcome of this very plan."""
        digest, outcome = self.entries.get((destination, plan.flow_run), (None, None))
        return outcome if digest == plan.digest else None

    def forget(self, destination: Destination, plan: Plan) -> None:
        """Drop an entry."""
        self.entries.pop((destination, plan.flow_run), None)

    def record(self, destination: Destination, plan: Plan, outcome: FlowRunOutcome) -> None:
        """Keep an outcome."""
        self.entries[destination, plan.flow_run] = plan.digest, outcome

    def outcomes(self) -> Iterator[FlowRunOutcome]:
        """Yield all outcomes."""
        yield from (outcome for _, outcome in self.entries.values())


@dataclass
class MemoryProgress:
    """Somebody who writes down what is said."""

    heard: list[str] = field(default_factory=list)

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Write down a flow run, counted from 1."""
        self.heard.append(f"{pathspec} ({position + 1} of {total})")

    def wandb_runs(self, total: int) -> None:
        """Write down how many W&B runs it becomes."""
        self.heard.append(f"{total} to write")

    def advance(self) -> None:
        """Write down that one is done."""
        self.heard.append("one written")


@dataclass
class World:
    """All parts."""

    metaflow: MemoryMetaflow = field(default_factory=MemoryMetaflow)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    wandb: MemoryWandb = field(default_factory=MemoryWandb)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    progress: MemoryProgress = field(default_factory=MemoryProgress)

    @property
    def parts(self) -> Parts:
        """They, as the pipeline wants them."""
        return Parts(self.metaflow, self.payloads, self.wandb, self.ledger, self.progress)
