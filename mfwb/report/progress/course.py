"""The course of a call: what is going on now, in one line, and what to say of each flow run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from mfwb.ports import Ended
from mfwb.report.progress.endings import describe_end
from mfwb.safe_text import one_line

__all__ = ["Course", "Moment"]

_LARGE = 8_000_000  # bytes; smaller uploads take no time
_RATE_WINDOW = 20.0  # seconds over which the speed of uploads is measured
_SHORTEST_RATE = 2.0  # seconds; a shorter measurement says nothing
_LONGEST_NAME = 200  # letters


@dataclass(frozen=True, slots=True)
class Moment:
    """What is going on at one moment.

    Attributes:
        text: what is done: the name of what is written or read, or what is awaited.
        done: how much of the total is done, for a bar; None: the total is not known yet.
        count: the same as text, such as `2/5 W&B runs`; empty: the total is not known yet.
        sent: bytes sent of the uploads in progress.
        size: bytes of these uploads; 0: there are none that take time.
        seconds_left: until they are sent, at the speed measured so far; None: not known.
        elapsed: seconds since the call began.
    """

    text: str
    done: float | None
    count: str
    sent: int
    size: int
    seconds_left: float | None
    elapsed: float


@dataclass(slots=True)
class _FlowRun:
    """A flow run that has begun and not ended."""

    began: float
    planned: int = 0
    written: int = 0


@dataclass(slots=True)
class _Uploads:
    """The uploads in progress, and how fast they are."""

    current: dict[str, tuple[int, int]] = field(default_factory=dict)
    sent_before: int = 0  # by those that have ended
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=256))

    def note(self, name: str, sent: int, total: int, now: float) -> None:
        self.current[name] = sent, total
        self.samples.append((now, self.sent_before + self.sent))
        while now - self.samples[0][0] > _RATE_WINDOW:
            self.samples.popleft()

    def end(self, name: str) -> None:
        self.sent_before += self.current.pop(name, (0, 0))[0]
        if not self.current:
            self.samples.clear()

    @property
    def sent(self) -> int:
        return sum(sent for sent, _ in self.current.values())

    @property
    def size(self) -> int:
        return sum(total for _, total in self.current.values())

    def seconds_left(self) -> float | None:
        if len(self.samples) < 2:  # noqa: PLR2004 - a speed needs two
            return None
        (began, first), (now, last) = self.samples[0], self.samples[-1]
        if now - began < _SHORTEST_RATE or last <= first or self.sent >= self.size:
            return None
        return (self.size - self.sent) * (now - began) / (last - first)


class Course:
    """Progress that is kept, to be shown by others; thread-safe.

    The flow run or W&B run that it names is the one that is written, and of several the one that
    began first: what is read meanwhile is named only if nothing is written.
    """

    def __init__(
        self,
        tell: Callable[[str, Ended], None] = lambda _line, _ended: None,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at the beginning of a call.

        Args:
            tell: is called with a line for each flow run that had something to do, when it ends.
            changed: is called after each change.
            clock: returns the time in seconds.
        """
        self._tell = tell
        self._changed = changed
        self._clock = clock
        self._began = clock()
        self._connecting: dict[str, int] = {}
        self._total: int | None = None
        self._ended = 0
        self._open: dict[str, _FlowRun] = {}
        self._writing: dict[str, str] = {}  # the flow runs of W&B runs
        self._uploads = _Uploads()
        self._lock = Lock()

    def connecting(self, end: str, retry: int) -> None:
        """Note which end is called."""
        with self._lock:
            self._connecting[end] = retry
        self._changed()

    def connected(self, end: str) -> None:
        """Note that it has answered."""
        with self._lock:
            self._connecting.pop(end, None)
        self._changed()

    def selected(self, flow_runs: int) -> None:
        """Note the number of flow runs; of a second round, too, as after a repair."""
        with self._lock:
            self._total, self._ended = flow_runs, 0
            self._open.clear()
            self._writing.clear()
        self._changed()

    def flow_run(self, pathspec: str, position: int, total: int) -> None:  # noqa: ARG002 - the others are known
        """Note which flow run is read."""
        with self._lock:
            self._total = total
            self._open.setdefault(pathspec, _FlowRun(self._clock()))
        self._changed()

    def planned(self, flow_run: str, wandb_runs: int) -> None:
        """Note how many W&B runs there will be."""
        with self._lock:
            self._begun(flow_run).planned += wandb_runs
        self._changed()

    def writing(self, flow_run: str, wandb_run: str) -> None:
        """Note which W&B run is written."""
        with self._lock:
            self._writing.setdefault(wandb_run, flow_run)
        self._changed()

    def uploading(self, wandb_run: str, sent: int, total: int) -> None:
        """Note the bytes sent; a count that comes late concerns nothing any more."""
        with self._lock:
            if wandb_run in self._writing:
                self._uploads.note(wandb_run, sent, total, self._clock())
        self._changed()

    def written(self, flow_run: str, wandb_run: str) -> None:
        """Note that a W&B run is written."""
        with self._lock:
            self._begun(flow_run).written += 1
            self._stop_writing(wandb_run)
        self._changed()

    def finished(self, ended: Ended) -> None:
        """Note how a flow run ended, and tell it if there was something to do."""
        with self._lock:
            flow_run = self._open.pop(ended.pathspec, None)
            for name in [run for run, of in self._writing.items() if of == ended.pathspec]:
                self._stop_writing(name)
            self._ended += 1
            seconds = None if flow_run is None else self._clock() - flow_run.began
        line = describe_end(ended, seconds)
        if line:
            self._tell(line, ended)
        self._changed()

    def now(self) -> Moment:
        """Return what is going on."""
        with self._lock:
            done, count = self._done()
            size = self._uploads.size
            return Moment(
                text=one_line(self._text(), _LONGEST_NAME),
                done=done,
                count=count,
                sent=self._uploads.sent if size >= _LARGE else 0,
                size=size if size >= _LARGE else 0,
                seconds_left=self._uploads.seconds_left(),
                elapsed=self._clock() - self._began,
            )

    @property
    def is_of_several(self) -> bool:
        """Whether the call is about more than one flow run."""
        return (self._total or 0) > 1

    @property
    def is_under_way(self) -> bool:
        """Whether a flow run, or an answer, is awaited."""
        return bool(self._open or self._connecting)

    def _begun(self, pathspec: str) -> _FlowRun:
        return self._open.setdefault(pathspec, _FlowRun(self._clock()))

    def _stop_writing(self, wandb_run: str) -> None:
        self._writing.pop(wandb_run, None)
        self._uploads.end(wandb_run)

    def _text(self) -> str:
        if self._connecting:
            end, retry = max(self._connecting.items(), key=lambda item: item[1])
            return f"connecting to {end}, retry {retry}" if retry else f"connecting to {end}"
        if self._writing:
            return next(iter(self._writing))
        if self._open:
            pathspec, run = next(iter(self._open.items()))
            if not run.planned:
                return f"reading {pathspec}"
            return f"checking {pathspec}" if run.written >= run.planned else pathspec
        return "looking for flow runs" if self._total is None else "finishing"

    def _done(self) -> tuple[float | None, str]:
        """Return how much is done as a number from 0 to 1, and as text, if the total is known."""
        if self._total is None or self._total == 0:
            return None, ""
        if self._total > 1:
            parts = sum(run.written / run.planned for run in self._open.values() if run.planned)
            return (self._ended + parts) / self._total, f"{self._ended}/{self._total} flow runs"
        planned = sum(run.planned for run in self._open.values())
        if not planned:
            return None, ""
        written = sum(run.written for run in self._open.values())
        return written / planned, f"{written}/{planned} W&B runs"
