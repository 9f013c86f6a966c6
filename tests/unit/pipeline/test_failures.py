"""An unexpected error, at any stage, is the failure of one flow run of a call."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest

from mfwb.config import Settings
from mfwb.errors import SourceError, Unreachable, UsageError
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline import Parts, plan_flow_runs, push_flow_runs, sync_flow_runs
from mfwb.pipeline.selection import Selection
from mfwb.planning import Plan
from mfwb.ports import (
    BugLog,
    BundledFlowRun,
    Contents,
    Destination,
    Entry,
    Ledger,
    ListedFlowRun,
    Progress,
    PushedFlowRun,
    Session,
    SyncState,
)
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec, parse
from tests.support.fakes import MemoryMetaflow, MemoryPayloads, MemoryWandb, World
from tests.support.flow_runs import at, data_frame, flow_run, model, ref, renamed, task

FAN = flow_run(
    task("start/1", to="work", over="items", has=[data_frame("wines", "w"), ref("v")]),
    task("work/2", to="join", has=[model("model", "m0")], foreach=at("work:items:0")),
    task("work/3", to="join", has=[model("model", "m1")], foreach=at("work:items:1")),
    task("join/4"),
)
NAMES = [f"DemoFlow/{number}" for number in (1, 2, 3, 4, 5)]
BAD = "DemoFlow/3"


class Panic(BaseException):
    """What a library in another language may raise, which is no `Exception`."""


ERRORS = (KeyError("odd"), RecursionError("deep"), Panic("at the disco"))
SHORTAGES = {
    MemoryError(): "there is not enough memory",
    OSError(errno.ENOSPC, "No space left", "x.db"): "No space left: x.db",
    RuntimeError("can't start new thread"): "the machine does not let it start more threads",
}


class Tripping:
    """A part that raises when one of its methods is called about the bad flow run."""

    def __init__(self, part: Any, method: str, error: BaseException, *, about: str = BAD) -> None:
        self._part = part
        self._method = method
        self._error = error
        self._about = about

    def __getattr__(self, name: str) -> Any:
        """Return what the part has of that name, which may raise."""
        result = getattr(self._part, name)
        if name != self._method:
            return result

        def tripping(*args: Any, **kwargs: Any) -> Any:
            if self._about in f"{args} {kwargs} " + " ".join(map(str, args)):
                raise self._error
            return result(*args, **kwargs)

        return tripping


@dataclass
class TrippingWandb(MemoryWandb):
    """W&B, whose session of the bad flow run raises in one of its methods."""

    method: str = ""
    error: BaseException = field(default_factory=KeyError)

    @contextmanager
    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),
        forgotten: Collection[str] = (),
    ) -> Iterator[Session]:
        """Yield a session."""
        with super().open(plan, writer=writer, written=written, forgotten=forgotten) as session:
            about = "" if plan.flow_run == BAD else BAD
            yield cast("Session", Tripping(session, self.method, self.error, about=about))


@dataclass
class Garbling(MemoryPayloads):
    """Looks inside, and makes a flow run of it that no later stage can cope with."""

    garbled: dict[str, Any] = field(default_factory=dict)

    def inspect(self, flow_run: FlowRun, contents: Contents) -> FlowRun:  # noqa: ARG002
        """Return a flow run, garbled if it is the bad one."""
        return replace(flow_run, **self.garbled) if flow_run.pathspec == BAD else flow_run


def world(**parts: Any) -> World:
    """Return five flow runs, and the rest of the world."""
    runs = [renamed(FAN, *name.split("/")) for name in NAMES]
    return World(metaflow=MemoryMetaflow(runs), **parts)


def tripping(here: World, stage: str, error: BaseException) -> Parts:
    """Return the parts of a world of which one raises at a stage."""
    part, _, method = stage.partition(".")
    if part == "session":
        wandb = TrippingWandb(method=method, error=error)
        wandb.runs, wandb.bundle = here.wandb.runs, here.wandb.bundle
        return replace(here.parts, sink=wandb)
    if part == "garbled":
        garbled: dict[str, Any] = {"steps": None} if method == "lineage" else {"parameters": (7,)}
        return replace(here.parts, payloads=Garbling(garbled=garbled))
    return replace(here.parts, **{part: Tripping(getattr(here.parts, part), method, error)})


def sync(parts: Parts, *, since: int | None = None, **settings: Any) -> Result:
    """Sync the five, by name or by looking for them."""
    requested = Selection(since=since) if since is not None else Selection(tuple(map(parse, NAMES)))
    return sync_flow_runs(requested, Settings.model_validate(settings), parts)


def statuses(result: Result) -> dict[str, str]:
    """Return what became of each flow run."""
    return {run.pathspec: run.status.value for run in result.flow_runs}


READING = (
    "source.read",
    "source.contents",
    "payloads.inspect",
    "garbled.lineage",
    "garbled.plan",
    "progress.flow_run",
    "ledger.entry",
)
WRITING = (
    "payloads.prestart",
    "payloads.prepare",
    "payloads.release",
    "payloads.discard",
    "sink.open",
    "session.find_existing",
    "session.write",
    "session.confirm",
    "ledger.write",
)


def _failures() -> Iterator[Any]:
    """Yield each stage with each error; by default, half of them online, the others offline."""
    stages = enumerate([*READING, *WRITING])
    for (row, stage), (column, error) in product(stages, enumerate(ERRORS)):
        for number, bundle in enumerate([None, Path("bundle")]):
            yield pytest.param(
                *(stage, bundle, error),
                id=f"{stage}-{'offline' if bundle else 'online'}-{type(error).__name__}",
                marks=[pytest.mark.exhaustive] if (row + column + number) % 2 else [],
            )


@pytest.mark.parametrize(("stage", "bundle", "error"), [*_failures()])
def test_sync(stage: str, bundle: Path | None, error: BaseException) -> None:
    """Four are done, one failed by a bug; the next sync, without it, completes that one."""
    here = world()
    here.wandb.bundle = bundle

    result = sync(tripping(here, stage, error))
    after = sync(here.parts)

    assert statuses(result) == {
        **dict.fromkeys(NAMES, "synced"),
        BAD: "failed",
    }
    [bad] = [run for run in result.flow_runs if run.pathspec == BAD]
    assert (bad.bug, result.has_bugs) == (True, True)
    assert str(bad.reason).startswith("a bug: ")
    assert here.bugs.met
    assert here.ledger.held == set()
    assert set(statuses(after).values()) <= {"synced", "unchanged"}
    assert {entry.sync_state for entry in here.ledger.entries()} == {SyncState.SYNCED}


@pytest.mark.parametrize("stage", ["source.read", "payloads.prepare", "ledger.write"])
@pytest.mark.parametrize("error", SHORTAGES, ids=lambda item: type(item).__name__)
def test_what_the_machine_lacks(stage: str, error: Exception) -> None:
    """It fails one flow run just so, and is no bug."""
    here = world()

    result = sync(tripping(here, stage, error))

    assert statuses(result) == {**dict.fromkeys(NAMES, "synced"), BAD: "failed"}
    [bad] = [run for run in result.flow_runs if run.pathspec == BAD]
    assert (bad.bug, bad.reason, here.bugs.met) == (False, SHORTAGES[error], [])


@pytest.mark.parametrize("stage", [*READING, *WRITING])
def test_sync_of_what_is_listed(stage: str) -> None:
    """It is the same for who does not name them; and the ledger knows which one failed."""
    here = world()

    result = sync(tripping(here, stage, KeyError("odd")), since=0)

    assert statuses(result) == {**dict.fromkeys(NAMES, "synced"), BAD: "failed"}
    states = {entry.flow_run: entry.sync_state for entry in here.ledger.entries()}
    assert states.pop(BAD, SyncState.FAILED) is SyncState.FAILED
    assert set(states.values()) == {SyncState.SYNCED}


@pytest.mark.parametrize("stage", READING)
def test_plan(stage: str) -> None:
    """A plan of the others is there."""
    here = world()
    requested = Selection(tuple(map(parse, NAMES)))

    result = plan_flow_runs(
        requested, Settings.model_validate({}), tripping(here, stage, KeyError("odd"))
    )

    assert statuses(result) == {**dict.fromkeys(NAMES, "planned"), BAD: "failed"}
    assert result.has_bugs


@pytest.mark.parametrize("stage", ["source.read", "sink.open", "session.write"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), Unreachable("down"), SystemExit(3)])
def test_what_ends_the_call(stage: str, error: BaseException) -> None:
    """Ctrl-C, and an end that can't be reached, end the call; that is no bug."""
    here = world()

    with pytest.raises(type(error)):
        sync(tripping(here, stage, error))

    assert here.bugs.met == []
    assert here.ledger.held == set()


# --- listings -------------------------------------------------------------------------------


class Folders(MemoryMetaflow):
    """Metaflow, in whose folder of flows strangers put some of their own."""

    def __init__(self, trouble: BaseException) -> None:
        super().__init__([renamed(FAN, *name.split("/")) for name in NAMES])
        self.trouble = trouble

    def flows(self) -> list[str]:
        """Return flows, and what is none."""
        return ["Aaa", *super().flows(), "odd folder"]

    def list(self, flow: str) -> list[ListedFlowRun]:
        """Return the runs of a flow; those of strangers can't be listed."""
        if flow in ("Aaa", "odd folder"):
            raise self.trouble
        return super().list(flow)


@pytest.mark.parametrize(
    ("trouble", "is_bug"),
    [
        (SourceError("it can't be read"), False),
        (UsageError("no pathspec"), False),
        (KeyError("x"), True),
    ],
)
@pytest.mark.parametrize("act", [sync_flow_runs, plan_flow_runs])
def test_listing(
    act: Callable[[Selection, Settings, Parts], Result],
    trouble: BaseException,
    is_bug: bool,  # noqa: FBT001
) -> None:
    """A flow that can't be listed is a failure of its own, and the others go on."""
    here = World(metaflow=Folders(trouble))

    result = act(Selection(since=0), Settings.model_validate({}), here.parts)

    matched = statuses(result)
    assert (matched.pop("Aaa"), matched.pop("odd folder")) == ("failed", "failed")
    assert set(matched) == set(NAMES)
    assert "failed" not in matched.values()
    assert result.has_bugs is is_bug


def test_listing_of_what_was_named() -> None:
    """Who names a flow in a wrong way is told so; a service that is down ends the call."""
    requested = Selection((Pathspec("odd folder"),), every=True)

    with pytest.raises(UsageError):
        sync_flow_runs(
            requested, Settings.model_validate({}), World(metaflow=Folders(UsageError("no"))).parts
        )
    with pytest.raises(Unreachable):
        sync_flow_runs(
            Selection(since=0),
            Settings.model_validate({}),
            World(metaflow=Folders(Unreachable("down"))).parts,
        )


def test_names_that_can_not_be_said() -> None:
    """A flow run with a name that is no pathspec fails, and does not stop every later sync."""
    odd = renamed(FAN, "DemoFlow", "a b\x1b]0;c")
    here = World(metaflow=MemoryMetaflow([*world().metaflow.flow_runs, odd]))
    broken = replace(here.parts, sink=Tripping(here.wandb, "open", KeyError("x"), about="a b"))

    first = sync(broken, since=0)
    second = sync(here.parts, since=0)

    assert list(statuses(first).values()).count("failed") == 1
    assert "failed" not in statuses(second).values()


def test_names_that_are_no_text() -> None:
    """Folders whose names are no UTF-8 are failures of their own, run or flow."""
    odd = [renamed(FAN, "DemoFlow", "\udcff"), renamed(FAN, "F\udcfe", "1")]
    here = World(metaflow=MemoryMetaflow([*world().metaflow.flow_runs, *odd]))

    result = sync(here.parts, since=0)

    matched = statuses(result)
    assert (matched.pop("DemoFlow/\\udcff"), matched.pop("F\\udcfe")) == ("failed", "failed")
    assert matched == dict.fromkeys(NAMES, "synced")
    assert not result.has_bugs


# --- push -----------------------------------------------------------------------------------


@dataclass
class MemoryPusher:
    """A server that takes everything but the bad flow run."""

    error: BaseException | None = None
    breaks_off: bool = False

    def destination(self, bundled: Destination) -> Destination:
        """Return a server."""
        return replace(bundled, mode="online", base="memory://wandb")

    def push(
        self,
        cargo: Sequence[BundledFlowRun],
        *,
        writer: str,  # noqa: ARG002 - the port's
        progress: Progress,  # noqa: ARG002
    ) -> Iterator[PushedFlowRun]:
        """Yield flow runs."""
        for item in cargo:
            bug = self.error if item.entry.flow_run == BAD else None
            if bug is not None and self.breaks_off:
                raise bug
            yield PushedFlowRun(item, reason=str(bug) if bug else "", bug=bug)


def bundled(here: World) -> World:
    """Return a world whose ledger has five flow runs in a bundle."""
    where = Destination("offline", "/bundle", "acme", "wines")
    for name in NAMES:
        outcome = FlowRunOutcome(name, Status.SYNCED, project="wines", entity="acme")
        here.ledger.write(
            Entry(name, "local@/data", where, SyncState.SYNCED, digest=name, outcome=outcome)
        )
    return here


def push(here: World, pusher: MemoryPusher, ledger: Any = None) -> Result:
    """Push a bundle."""
    return push_flow_runs(
        Settings.model_validate({}),
        cast("Ledger", ledger or here.ledger),
        pusher,
        here.progress,
        cast("BugLog", here.bugs),
    )


def test_push() -> None:
    """Four are pushed, one failed by a bug; the next push completes it."""
    here = bundled(World())

    first = push(here, MemoryPusher(KeyError("odd")))
    second = push(here, MemoryPusher())

    assert statuses(first) == {**dict.fromkeys(NAMES, "synced"), BAD: "failed"}
    assert (first.has_bugs, here.ledger.held) == (True, set())
    assert statuses(second) == {**dict.fromkeys(NAMES, "unchanged"), BAD: "synced"}


@pytest.mark.parametrize("method", ["write", "entry"])
def test_push_with_a_ledger_that_trips(method: str) -> None:
    """What the ledger can't be told, or can't tell, of one flow run is that one's failure."""
    here = bundled(World())
    ledger = Tripping(here.ledger, method, KeyError("odd"))

    first = push(here, MemoryPusher(), ledger)
    second = push(here, MemoryPusher())

    assert statuses(first) == {**dict.fromkeys(NAMES, "synced"), BAD: "failed"}
    assert statuses(second)[BAD] == "synced"


def test_push_that_breaks_off() -> None:
    """What was pushed before an error that ends all stays pushed, and is told."""
    here = bundled(World())

    result = push(here, MemoryPusher(KeyError("odd"), breaks_off=True))

    assert list(statuses(result).values()) == ["synced", "synced", "failed", "failed", "failed"]
    assert result.has_bugs
