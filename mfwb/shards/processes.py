"""The processes of a backfill on this machine: one for each shard, some of them at once."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from json import loads
from threading import Lock

from mfwb.config import Settings
from mfwb.errors import BUG_EXIT_CODE, LockHeld, Unreachable, UsageError
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.own_command import own_program
from mfwb.ports import Progress
from mfwb.request_budget import MIN_REQUESTS_PER_MINUTE
from mfwb.safe_text import one_line
from mfwb.shards.folder import BackfillFolder
from mfwb.shards.messages import Job, SentSettings, apply_message, job_to_json, outcome_of
from mfwb.shards.model import Shard, ShardPlan

__all__ = ["ShardEnd", "not_begun", "raise_if_none_began", "run_shards", "with_share_of_budget"]

_CHILD = "mfwb.shards.child"
_STARTS = 3
"""How often the process of a shard is started: something may kill it, as for want of memory."""

_END = 0.5
"""Seconds: a process ends at once when its input does, and Ctrl-C ends a call within a second."""

_WAIT = 60.0
"""Seconds: an earlier process that lost its backfill ends within one; W&B's may take longer."""


@dataclass(slots=True)
class ShardEnd:
    """How a shard ended.

    Attributes:
        name: of the shard.
        outcomes: of its flow runs, by pathspec.
        notes: remarks of its process.
        error: what ended it before its last flow run; empty: nothing did.
        exit_code: of that error.
    """

    name: str
    outcomes: dict[str, FlowRunOutcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    exit_code: int = 1

    def complete(self, flow_runs: Iterable[str]) -> Iterator[FlowRunOutcome]:
        """Yield the outcome of each flow run; one that was not reached has failed."""
        for name in flow_runs:
            if (known := self.outcomes.get(name)) is not None:
                yield known
            else:
                yield FlowRunOutcome(
                    name,
                    Status.FAILED,
                    reason=self.error or "the process of its shard did not report it",
                    exit_code=self.exit_code,
                    bug=self.exit_code == BUG_EXIT_CODE,
                )


def run_shards(
    plan: ShardPlan,
    folder: BackfillFolder,
    settings: Settings,
    progress: Progress,
    *,
    processes: int,
) -> list[ShardEnd]:
    """Sync all shards, stage after stage, and return how each of them ended.

    A shard whose process ends in an error, or is killed again and again, ends no other one. Only a
    stage that has to come after it is not begun.
    """
    ends: list[ShardEnd] = []
    with _Processes(folder, settings, progress, total=len(plan.flow_runs)).running() as running:
        for stage in plan.stages():
            if (why := not_begun(ends)) is not None:
                ends += [replace(why, name=shard.name) for shard in stage]
            else:
                ends += running.run(stage, failed=plan.failed, at_once=processes)
    return ends


def not_begun(before: Iterable[ShardEnd]) -> ShardEnd | None:
    """Return the end of a shard that is not begun; None if all that come before it have ended."""
    broken = next((end for end in before if end.error), None)
    if broken is None:
        return None
    why = f"shard {broken.name}, which comes before it, did not end: {broken.error}"
    return ShardEnd("", error=why, exit_code=broken.exit_code)


def raise_if_none_began(ends: Sequence[ShardEnd]) -> None:
    """Raise the error of the first shard as a sync does, if it kept all shards from all flow runs.

    Raises:
        UsageError: W&B or Metaflow refuse a setting.
        Unreachable: W&B or Metaflow can't be reached, or W&B refuses the credentials.
        LockHeld: an earlier process still works on a shard.
    """
    if ends and all(end.error and not end.outcomes for end in ends):
        for kind in (UsageError, Unreachable, LockHeld):
            if ends[0].exit_code == kind.exit_code:
                raise kind(ends[0].error)


class _Processes:
    """The processes of one call."""

    def __init__(
        self, folder: BackfillFolder, settings: Settings, progress: Progress, *, total: int
    ) -> None:
        self._folder = folder
        self._settings = settings.model_copy(update={"wait": max(settings.wait, _WAIT)})
        self._progress = progress
        self._total = total
        self._begun: set[str] = set()
        self._lock = Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over = False

    @contextmanager
    def running(self) -> Iterator[_Processes]:
        """Yield this; if the call is interrupted, all processes are told to end at once."""
        try:
            yield self
        except BaseException:
            with self._lock:
                self._is_over = True
                for process in self._running:
                    with suppress(OSError, ValueError):
                        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
                for process in self._running:  # its temporary files are in the folder of this one
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_END)
            raise

    def run(self, stage: Sequence[Shard], *, failed: bool | None, at_once: int) -> list[ShardEnd]:
        """Sync the shards of one stage, and return how each ended, in their order."""
        at_once = min(_within_budget(self._settings, at_once), len(stage))
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="mfwb-shard")
        try:
            futures = [pool.submit(self._sync, shard, failed, at_once) for shard in stage]
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return [future.result() for future in futures]

    def _sync(self, shard: Shard, failed: bool | None, at_once: int) -> ShardEnd:  # noqa: FBT001 - as in Selection
        """Run the process of a shard until it ends by itself, some times at most."""
        self._folder.make(shard.name)
        ledger = str(self._folder.ledger(shard.name))
        settings = with_share_of_budget(self._settings, at_once)
        job = Job(shard.flow_runs, failed, ledger, SentSettings.of(settings))
        end = ShardEnd(shard.name)
        for start in range(1, _STARTS + 1):
            code = self._run_process(job, end)
            if code is None or self._is_over:
                return end
            killed = f"the process of shard {shard.name} {_how(code)}"
            if start < _STARTS:
                end.notes.append(f"{killed}; it was started again")
            else:
                end.error = f"{killed}, {_STARTS} times; run the command again"
        return end

    def _run_process(self, job: Job, end: ShardEnd) -> int | None:
        """Run the process once; return None if it ended by itself, else its exit code."""
        with self._folder.log(end.name).open("ab") as log, self._lock:
            if self._is_over:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own program
                own_program(_CHILD),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C only reaches the parent
            )
            self._running.add(process)
        ended = False
        try:
            with suppress(BrokenPipeError):  # it was killed at once
                process.stdin.write(f"{job_to_json(job)}\n")  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]
            for line in process.stdout or ():
                ended = self._heed(line, end) or ended
        finally:
            with self._lock:
                self._running.discard(process)
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError, ValueError):
                    stream.close()  # type: ignore[union-attr]
        return None if ended else process.returncode

    def _heed(self, line: str, end: ShardEnd) -> bool:
        """Note a message of a process; return whether it was its last."""
        try:
            kind, *arguments = loads(line)
        except ValueError:  # cut off by a kill
            return False
        if kind == "end":
            end.notes += [note for note in arguments[0] if note not in end.notes]
        elif kind == "error":
            end.error, end.exit_code = one_line(arguments[0]), arguments[1]
        elif kind == "finished":
            self._finished(outcome_of(arguments[0]), end)
        elif kind == "flow_run":
            self._begin(arguments[0])
        else:
            apply_message(self._progress, kind, arguments)
        return kind in {"end", "error"}

    def _begin(self, pathspec: str) -> None:
        with self._lock:
            self._begun.add(pathspec)
            position = len(self._begun) - 1
        self._progress.flow_run(pathspec, position, self._total)

    def _finished(self, outcome: FlowRunOutcome, end: ShardEnd) -> None:
        before = end.outcomes.get(outcome.pathspec)
        # After a kill, the next process finds unchanged what the killed one had synced.
        if before is None or outcome.status is not Status.UNCHANGED:
            end.outcomes[outcome.pathspec] = outcome
        if before is None:
            self._progress.finished(outcome)


def with_share_of_budget(settings: Settings, processes: int) -> Settings:
    """Return the settings of one process: all together keep the budget of requests."""
    whole = settings.max_requests_per_minute
    if whole is None:
        return settings
    return settings.model_copy(update={"max_requests_per_minute": whole // processes})


def _within_budget(settings: Settings, processes: int) -> int:
    """Return how many processes may run at once, so that each has the least budget there is."""
    whole = settings.max_requests_per_minute
    return processes if whole is None else min(processes, max(1, whole // MIN_REQUESTS_PER_MINUTE))


def _how(code: int) -> str:
    """Return how a process ended that said nothing, for the end of a sentence."""
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
