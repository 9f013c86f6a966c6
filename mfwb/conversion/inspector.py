"""Pickles are looked at in another process: for plain values, for names, for equal contents.

To weigh a pickle bounds what a look costs, and only what somebody thought of. In a process of its
own, without rights, a pickle that nobody thought of costs itself.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Lock, Timer
from typing import Any

from mfwb.conversion import inspector_child
from mfwb.conversion.inspector_child import Answer, Inspect, Inspection
from mfwb.isolation.audit_hook import STOPPED_EXIT_CODE
from mfwb.isolation.forkserver import Forkserver, Process
from mfwb.planning import Content

__all__ = ["Inspector", "inspect_each"]

MAX_MEMORY = 400_000_000
"""Bytes that such a process may take."""

_REQUEST_LIMIT = 1_000_000  # bytes of pickles that are sent at once
_PICKLES_LIMIT = 500
_ANSWER_LIMIT = 256_000_000  # bytes
_MEMORY_OF_ANSWER = 800_000_000
"""Bytes that an answer may take here; the process had to hold all of it in its own memory, too."""
_MEMORY_OF_PART = 64  # bytes of the least that a sign of JSON can stand for

_SECONDS = 100.0
_SECONDS_PER_MB = 30.0
"""How long an answer may take: ten times the time of the processor that a process gives itself."""
_AT_ONCE = 8  # processes that stay when there is nothing to do for them


class Inspector:
    """Looks at pickles, those of each flow run in a process of its own; for several threads."""

    def __init__(self) -> None:
        self._forkserver = Forkserver(inspector_child.__name__, MAX_MEMORY)
        self._desks: dict[str, _Desk] = {}
        self._lock = Lock()

    def start(self) -> None:
        """Start what makes processes, so that it is ready when it is needed."""
        with suppress(OSError):  # who needs it tries again
            self._forkserver.start()

    def inspect(self, flow_run: str, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        """Return what there is to tell of each pickle of a flow run.

        Of one that ends the process that is why; the others are looked at again.
        """
        desk = self._desk(flow_run)
        try:
            return desk.ask(look, pickled)
        except _EndedError as error:
            if len(pickled) == 1:
                return [(None, str(error))]
        return [self.inspect(flow_run, look, [data])[0] for data in pickled]

    def let_go(self, flow_run: str) -> None:
        """End the process of a flow run; there is a new one if it is needed again."""
        with self._lock:
            desk = self._desks.pop(flow_run, None)
        if desk is not None:
            desk.end()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            desks = [*self._desks.values()]
            self._desks.clear()
        self._forkserver.close()  # which ends what others may be waiting for
        for desk in desks:
            desk.end()

    def _desk(self, flow_run: str) -> _Desk:
        with self._lock:
            if flow_run not in self._desks:
                for name in [*self._desks]:
                    if len(self._desks) >= _AT_ONCE and self._desks[name].end(wait=False):
                        del self._desks[name]
                self._desks[flow_run] = _Desk(self._forkserver)
            return self._desks[flow_run]


def inspect_each(
    inspect: Inspect, look: Inspection, loaded: Iterable[tuple[Content, bytes | None]]
) -> Iterator[tuple[Content, Answer]]:
    """Yield what there is to tell of each content; several small ones are looked at at once."""
    group: list[tuple[Content, bytes]] = []
    size = 0
    for content, data in loaded:
        if data is None:
            yield content, (None, "its bytes can't be had")
            continue
        is_full = size + len(data) > _REQUEST_LIMIT or len(group) == _PICKLES_LIMIT
        if group and (is_full or content.flow_run != group[0][0].flow_run):
            yield from _inspected(inspect, look, group)
            group, size = [], 0
        group.append((content, data))
        size += len(data)
    if group:
        yield from _inspected(inspect, look, group)


def _inspected(
    inspect: Inspect, look: Inspection, group: Sequence[tuple[Content, bytes]]
) -> Iterator[tuple[Content, Answer]]:
    answers = inspect(group[0][0].flow_run, look, [data for _, data in group])
    for (content, _), answer in zip(group, answers, strict=True):
        yield content, answer


class _EndedError(Exception):
    """The process ended before it answered; the text says why."""


def _checked(look: Inspection, answer: Any) -> Answer:
    """Return an answer to a look if it can be one; EOFError. Who gave it may have been taken over.

    What a value is made of can be anything of JSON.
    """
    match answer:
        case [None, str() | None as reason]:
            return None, reason
        case [found, None] if _is_found_by(look, found):
            return found, None
    raise EOFError("no answer")


def _is_found_by(look: Inspection, found: Any) -> bool:
    if look is Inspection.DIGEST:
        return isinstance(found, str)
    if look is Inspection.SIZE:
        return _is_size(found)
    if look is Inspection.INSIDE:
        return _is_inside(found)
    if look in {Inspection.NAMES, Inspection.NAMES_AT_START}:
        return _are_texts(found)
    return isinstance(found, list) and len(found) == 2 and isinstance(found[1], bool)  # noqa: PLR2004


def _is_inside(found: Any) -> bool:
    match found:
        case {
            "names": names,
            "only_named": only_named,
            "size": size,
            "no_value": str() | None,
            "is_relative": bool() | None,
        }:
            is_told = size is None or _is_size(size)
            return is_told and _are_texts(names) and _are_texts(only_named)
    return False


def _is_size(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0


def _are_texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


class _Desk:
    """A process, if there is one; safe to use from several threads."""

    def __init__(self, forkserver: Forkserver) -> None:
        self._forkserver = forkserver
        self._turn = Lock()
        self._process: Process | None = None
        self._is_ready = False  # whether it has said what confines it
        self._is_late = False

    def ask(self, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        with self._turn:
            try:
                return self._ask(look, pickled)
            except _EndedError:
                raise
            except (OSError, ValueError, EOFError, RecursionError) as error:
                raise _EndedError(self._reason(error)) from None
            except BaseException:
                self._end()  # who asks next must not get the answer to this
                raise

    def end(self, *, wait: bool = True) -> bool:
        """End the process, unless it is busy and nobody waits for it; return whether it has."""
        if not self._turn.acquire(blocking=wait):
            return False
        try:
            self._end()
        finally:
            self._turn.release()
        return True

    def _ask(self, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        sizes = [len(data) for data in pickled]
        self._is_late = False
        if self._process is None:
            self._process = self._forkserver.start_process(tempfile.gettempdir())
        clock = Timer(
            _SECONDS + _SECONDS_PER_MB * sum(sizes) / 1_000_000, self._stop, [self._process]
        )
        clock.daemon = True
        clock.start()
        try:
            return self._exchange(self._process, look, pickled, sizes)
        finally:
            clock.cancel()

    def _exchange(
        self, process: Process, look: Inspection, pickled: Sequence[bytes], sizes: Sequence[int]
    ) -> list[Answer]:
        if not self._is_ready:
            self._answer(process)  # what confines it
            self._is_ready = True
        request = {"look": look.value, "sizes": sizes}
        process.requests.write(json.dumps(request).encode() + b"\n")
        process.requests.writelines(pickled)
        process.requests.flush()
        answers = self._answer(process)
        if not isinstance(answers, list) or len(answers) != len(pickled):
            raise EOFError("no answer")
        return [_checked(look, one) for one in answers]

    def _stop(self, process: Process) -> None:
        """End a process that does not answer, whatever keeps it."""
        self._is_late = True
        process.kill()

    def _answer(self, process: Process) -> Any:
        line = process.responses.readline(_ANSWER_LIMIT)
        if not line.endswith(b"\n"):
            raise EOFError("no answer")
        parts = sum(line.count(sign) for sign in (b",", b"[", b"{"))
        if len(line) + _MEMORY_OF_PART * parts > _MEMORY_OF_ANSWER:
            raise EOFError("an answer that is too large")
        return json.loads(line)

    def _reason(self, error: Exception) -> str:
        if self._process is None:
            return f"no process to look at it: {error}"
        code = self._end()
        if code == -signal.SIGPROF or self._is_late:
            return "it took too long to look at it"
        if code == STOPPED_EXIT_CODE:
            return "its process was stopped: it did what no pickle does"
        return f"the process that looked at it ended ({code})"

    def _end(self) -> int | None:
        process, self._process, self._is_ready = self._process, None, False
        if process is None:
            return None
        code = process.kill()
        for pipe in (process.requests, process.responses):
            with suppress(OSError):
                pipe.close()
        return code
