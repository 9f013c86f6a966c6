"""Executor: worker threads that write the W&B runs of several flow runs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Condition
from typing import Any

from mfwb.item_counts import as_planned, count_deleted, count_items, describe_inputs
from mfwb.operations import noted
from mfwb.outcome import WandbRunOutcome
from mfwb.pipeline.draft import Draft
from mfwb.pipeline.log_order import Turn
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.request_costs import requests_of
from mfwb.pipeline.run_queue import Done, RunQueue
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ReadyRun, Session, WrittenRun
from mfwb.snapshot import Loss

__all__ = ["ExecutionResult", "Executor", "Force"]


_MAX_BYTES = 2 * 10**9
"""Bytes of the artifacts of all W&B runs that are written at a time; a larger one is alone."""

_MORE_REQUESTS = 3
"""Requests of a W&B run that may come on top, beside one for each artifact, whose version is read:
the claim, and those of a slow machine, which sends config and summary in parts."""

_Written = tuple[PlannedRun, WandbRunOutcome, WrittenRun, bool]
"""A W&B run, its outcome, what the session returned, and whether anything had to be written."""

Force = Callable[[PlannedRun], bool]
"""Whether a W&B run is written again even if it is complete."""


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The result of carrying out one plan.

    Attributes:
        runs: one outcome for each W&B run, in the order of the plan.
        wrote: whether anything had to be written.
        error: what was wrong with W&B, if that is why something is missing.
    """

    runs: tuple[WandbRunOutcome, ...]
    wrote: bool
    error: str


class Executor:
    """A pool of worker threads that several flow runs share."""

    def __init__(self, parts: Parts, workers: int, *, force: Force) -> None:
        self._parts = parts
        self._force = force
        self._queue = RunQueue(workers, max_bytes=_MAX_BYTES, budget=parts.sink.request_budget)
        self._write_gate = _WriteGate()

    def waiting(self) -> int:
        """Return the number of W&B runs that no worker has begun to write."""
        return self._queue.waiting()

    def carry_out(
        self, drafted: Draft, plan: Plan, session: Session, turn: Turn
    ) -> ExecutionResult:
        """Write all W&B runs of a flow run and return the result.

        All of them are enqueued at once, those whose artifacts others use before these: a W&B run
        is opened, and its files are uploaded, while its producers are still written. SkipFlowRun
        if a W&B run can't be written.

        Args:
            drafted: the flow run.
            plan: its plan.
            session: W&B, opened for this flow run.
            turn: decides which W&B run may be written now. This thread waits for it, not a worker:
                the W&B runs that come first may need all workers.
        """
        self._parts.progress.planned(plan.flow_run, len(plan.runs))
        self._parts.payloads.prestart(plan)
        execution = _FlowRunExecution(
            drafted, session, self._parts, self._write_gate, turn, force=self._force
        )
        written: list[tuple[WandbRunOutcome, WrittenRun, bool]] = []
        writing: list[Future[_Written]] = []
        try:
            for run in turn.iterate_when_allowed(run for level in plan.levels() for run in level):
                session.enqueue(run)
                work = partial(execution.write, run)
                requests = requests_of(run, None) + len(run.outputs) + _MORE_REQUESTS
                writing.append(self._queue.submit(work, size=_size_of(run), requests=requests))
            written = [execution.add_inputs(future.result()) for future in writing]
            losses = session.confirm() if any(wrote for _, _, wrote in written) else {}
        finally:
            _cancel_and_wait(writing)
            self._parts.payloads.discard(plan)
        positions = {run.name: position for position, run in enumerate(plan.runs)}
        written.sort(key=lambda triple: positions[triple[0].name])
        return ExecutionResult(
            runs=tuple(
                _add_losses(outcome, losses.get(outcome.name, ())) for outcome, _, _ in written
            ),
            wrote=any(wrote for _, _, wrote in written),
            error="; ".join(run.trouble for _, run, _ in written if run.trouble),
        )

    def end(self, seconds: float) -> None:
        """Start no other W&B run, and wait for those that have been started.

        Their payloads are closed next. Without them a W&B run would look complete, but not be so.

        Args:
            seconds: how long to wait.
        """
        self._queue.cancel()
        self._write_gate.end(seconds)

    def close(self) -> None:
        """Stop the workers after all work is done."""
        self._queue.close()


def _add_losses(outcome: WandbRunOutcome, losses: Sequence[Loss]) -> WandbRunOutcome:
    return replace(outcome, losses=tuple(dict.fromkeys((*outcome.losses, *losses))))


def _size_of(run: PlannedRun) -> int:
    """Return the bytes of the artifacts of a W&B run, as Metaflow recorded them."""
    return sum(file.content.size or 0 for output in run.outputs for file in output.files)


def _cancel_and_wait(unfinished: list[Future[Any]]) -> None:
    """Cancel the work of an interrupted flow run: another flow run gets the workers next."""
    for future in unfinished:
        future.cancel()
    for future in unfinished:
        if not future.cancelled():
            future.exception()


class _WriteGate:
    """Allows W&B runs to be written until it is closed."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._active = 0
        self._ended = False

    @contextmanager
    def open_for_run(self) -> Iterator[None]:
        """Allow one W&B run to be written meanwhile; CancelledError if the gate is closed."""
        with self._changed:
            if self._ended:
                raise CancelledError
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Close the gate, and wait this long for W&B runs that have been started."""
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: not self._active, seconds)


@dataclass(slots=True)
class _FlowRunExecution:
    """The W&B runs of one flow run while they are written."""

    draft: Draft
    session: Session
    parts: Parts
    write_gate: _WriteGate
    turn: Turn
    force: Force
    digests: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @property
    def flow_run(self) -> str:
        """The pathspec of the flow run."""
        return str(self.draft.flow_run.pathspec)

    def prepare_run(self, run: PlannedRun) -> WrittenRun | ReadyRun:
        """Return the existing W&B run if it is complete, else what is needed to write it."""
        existing = None if self.force(run) else self.session.find_existing(run)
        if existing:
            return existing
        with noted(run.name, "prepare"):
            return self.parts.payloads.prepare(run, self.draft.contents)

    def add_inputs(self, written: _Written) -> tuple[WandbRunOutcome, WrittenRun, bool]:
        """Return a written W&B run with what it uses; call this for its producers before."""
        run, outcome, result, wrote = written
        if not result.deleted:
            inputs = describe_inputs(run, self.digests, result.losses)
            outcome = replace(outcome, inputs=inputs)
        self.digests.update({(run.name, output.name): output.digest for output in outcome.outputs})
        return outcome, result, wrote

    def write(self, run: PlannedRun) -> Done[_Written]:
        """Write one W&B run unless it is complete.

        What it uses is added later, by `add_inputs`.
        """
        logged = was_written = False
        try:
            self.parts.progress.writing(self.flow_run, run.name)
            outcome, written, wrote = self._write_run(run)
            was_written = True
            logged = not written.deleted and written.complete
        finally:
            self.session.dequeue(run, written=was_written)
            self.turn.finish_run(run, logged=logged)
        return Done((run, outcome, written, wrote), wrote=wrote, refused=written.refused)

    def _write_run(self, run: PlannedRun) -> tuple[WandbRunOutcome, WrittenRun, bool]:
        ready = self.prepare_run(run)
        if isinstance(ready, WrittenRun):
            rules = self.parts.payloads.apply_rules(run, self.draft.contents)
            written, prepared = self.session.update(run, ready, rules), None
        else:
            prepared = ready
            is_online = self.parts.sink.bundle is None
            with self.write_gate.open_for_run(), noted(run.name, "write"):
                written = self.session.write(run, ready)
            if is_online and not written.deleted:
                self.parts.sink.request_budget.note_run(requests_of(run, ready))
        outcome = _outcome(run, written, prepared)
        self.parts.payloads.release(run)
        self.parts.progress.written(self.flow_run, run.name)
        wrote = written.updated or (prepared is not None and not written.deleted)
        return outcome, written, wrote


def _outcome(run: PlannedRun, written: WrittenRun, ready: ReadyRun | None) -> WandbRunOutcome:
    """Return the outcome of a W&B run, but for what it uses."""
    planned = as_planned(run)
    if written.deleted:
        return replace(
            planned,
            id=written.id,
            inputs=(),
            outputs=(),
            items=count_deleted(run),
            deleted=True,
            masked=(),
        )
    # If another sync wrote the run meanwhile, its losses come from the same preparations.
    all_losses = (*run.losses, *(ready.losses if ready else ()), *written.losses)
    losses = tuple(dict.fromkeys(all_losses))
    is_url = "://" in written.location
    return replace(
        planned,
        id=written.id,
        url=written.location if is_url else None,
        dir=None if is_url else written.location,
        outputs=written.outputs,
        summary_keys=tuple(sorted(ready.summary)) if ready else planned.summary_keys,
        items=count_items(run, losses, written.outputs),
        losses=losses,
        complete=written.complete,
        edits_kept=written.edits_kept,
        edits_undone=written.edits_undone,
        log_lines=ready.log_lines if ready else written.log_lines,
        log_bytes_left_out=ready.log_bytes_left_out if ready else written.log_bytes_left_out,
        masked=ready.masked if ready else written.masked,
        bytes_written=written.bytes_written,
    )
