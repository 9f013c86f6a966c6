"""The workers of a call: they write the W&B runs of several flow runs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from threading import Condition
from typing import Any

from mfwb.item_counts import as_planned, count_items, describe_inputs, left_away
from mfwb.outcome import WandbRunOutcome
from mfwb.pipeline.draft import Draft
from mfwb.pipeline.log_order import Turn
from mfwb.pipeline.parts import Parts
from mfwb.planning import Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyRun, Session, WrittenRun
from mfwb.snapshot import Loss

__all__ = ["Carried", "Crew"]


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a plan.

    Attributes:
        runs: a W&B run each, in the order of the plan.
        wrote: whether anything had to be written.
        trouble: what was wrong with W&B, if that is why something is missing.
    """

    runs: tuple[WandbRunOutcome, ...]
    wrote: bool
    trouble: str


class Crew:
    """A pool of workers, whom several flow runs share."""

    def __init__(self, parts: Parts, workers: int, *, force: bool) -> None:
        self._parts = parts
        self._workers = workers
        self._force = force
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="mfwb-worker")
        self._writing = _Writing()

    def carry_out(self, drafted: Draft, plan: Plan, session: Session, turn: Turn) -> Carried:
        """Write all W&B runs of a flow run, level by level: what is used was logged before.

        While a level is written, the first runs of the next one are made ready: as many as there
        are workers, so that memory stays bounded. SkipFlowRun if one can't be written.

        Args:
            drafted: the flow run.
            plan: of it.
            session: W&B, opened for it.
            turn: says which W&B run may be written now. It is waited for here and not by workers,
                of whom those that come first may have need.
        """
        self._parts.progress.wandb_runs(len(plan.runs))
        self._parts.payloads.expect(plan)
        work = _Work(drafted, session, self._parts, self._writing, turn, force=self._force)
        written: list[tuple[WandbRunOutcome, WrittenRun, bool]] = []
        under_way: list[Future[Any]] = []
        try:
            levels = list(plan.levels())
            for level, following in zip_longest(levels, levels[1:], fillvalue=()):
                under_way = []
                writing = []
                for run in turn.in_turn(level):
                    writing.append(self._pool.submit(work.write, run))
                    under_way.append(writing[-1])
                for run in following[: self._workers]:
                    work.ahead[run.id] = self._pool.submit(work.get_ready, run)
                    under_way.append(work.ahead[run.id])
                of_level = [future.result() for future in writing]
                work.note([outcome for outcome, _, _ in of_level])
                written += of_level
            seen = session.confirm() if any(wrote for _, _, wrote in written) else {}
        finally:
            _let_end(under_way)
            self._parts.payloads.discard(plan)
        order = {run.name: place for place, run in enumerate(plan.runs)}
        written.sort(key=lambda one: order[one[0].name])
        return Carried(
            runs=tuple(_also(outcome, seen.get(outcome.name, ())) for outcome, _, _ in written),
            wrote=any(wrote for _, _, wrote in written),
            trouble="; ".join(said.trouble for _, said, _ in written if said.trouble),
        )

    def end(self, seconds: float) -> None:
        """Let no other W&B run be written, and those be finished that have been begun.

        Without their payloads, which are closed next, they would look complete and not be.

        Args:
            seconds: how long they may take.
        """
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._writing.end(seconds)

    def close(self) -> None:
        """Let the workers go, when all is done."""
        self._pool.shutdown()


def _also(outcome: WandbRunOutcome, losses: Sequence[Loss]) -> WandbRunOutcome:
    return replace(outcome, losses=tuple(dict.fromkeys((*outcome.losses, *losses))))


def _let_end(under_way: list[Future[Any]]) -> None:
    """Leave nothing of a flow run behind that broke off: another one has the workers next."""
    for future in under_way:
        future.cancel()
    for future in under_way:
        if not future.cancelled():
            future.exception()


class _Writing:
    """Lets W&B runs be written, until that has to end."""

    def __init__(self) -> None:
        self._less = Condition()
        self._under_way = 0
        self._ended = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Write one W&B run meanwhile; CancelledError if none may be written any more."""
        with self._less:
            if self._ended:
                raise CancelledError
            self._under_way += 1
        try:
            yield
        finally:
            with self._less:
                self._under_way -= 1
                self._less.notify_all()

    def end(self, seconds: float) -> None:
        """Let no other W&B run be written, and wait for those that have been begun, so long."""
        with self._less:
            self._ended = True
            self._less.wait_for(lambda: not self._under_way, seconds)


@dataclass(slots=True)
class _Work:
    """The W&B runs of one flow run, on their way."""

    draft: Draft
    session: Session
    parts: Parts
    writing: _Writing
    turn: Turn
    force: bool
    ahead: dict[WandbRunId, Future[WrittenRun | ReadyRun]] = field(default_factory=dict)
    digests: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def get_ready(self, run: PlannedRun) -> WrittenRun | ReadyRun:
        """Return what is there of a W&B run if all of it is, else what is needed to write it."""
        found = None if self.force else self.session.find(run)
        return found or self.parts.payloads.prepare(run, self.draft.contents)

    def note(self, outcomes: list[WandbRunOutcome]) -> None:
        """Keep the digests of what a level made, for those that use it."""
        for one in outcomes:
            self.digests.update({(one.name, made.name): made.digest for made in one.outputs})

    def write(self, run: PlannedRun) -> tuple[WandbRunOutcome, WrittenRun, bool]:
        """Write one W&B run, unless it is there; return whether it had to be."""
        logged = False
        try:
            outcome, written, wrote = self._write(run)
            logged = not written.deleted and written.complete
        finally:
            self.turn.is_over(run, logged=logged)
        return outcome, written, wrote

    def _write(self, run: PlannedRun) -> tuple[WandbRunOutcome, WrittenRun, bool]:
        ahead = self.ahead.pop(run.id, None)
        ready = self.get_ready(run) if ahead is None else ahead.result()
        if isinstance(ready, WrittenRun):
            written, made = self.session.amend(run, ready), None
        else:
            made = ready
            with self.writing.one():
                written = self.session.write(run, ready)
        outcome = _outcome(run, written, made, self.digests)
        self.parts.payloads.release(run)
        self.parts.progress.advance()
        wrote = written.amended or (made is not None and not written.deleted)
        return outcome, written, wrote


def _outcome(
    run: PlannedRun,
    written: WrittenRun,
    ready: ReadyRun | None,
    digests: dict[tuple[str, str], str | None],
) -> WandbRunOutcome:
    planned = as_planned(run)
    if written.deleted:
        return replace(
            planned, id=written.id, inputs=(), outputs=(), items=left_away(run), deleted=True
        )
    # What another sync wrote meanwhile has its losses from the same preparations.
    every = (*run.losses, *(ready.losses if ready else ()), *written.losses)
    losses = tuple(dict.fromkeys(every))
    is_url = "://" in written.place
    return replace(
        planned,
        id=written.id,
        url=written.place if is_url else None,
        dir=None if is_url else written.place,
        inputs=describe_inputs(run, digests, written.losses),
        outputs=written.outputs,
        summary_keys=tuple(sorted(ready.summary)) if ready else planned.summary_keys,
        items=count_items(run, losses, written.outputs),
        losses=losses,
        complete=written.complete,
        edits_kept=written.edits_kept,
        edits_undone=written.edits_undone,
    )
