"""Inspector: inspects pickles in a separate process for plain values, names and equal contents.

The limits on a pickle bound the cost of an inspection only for known attacks. In a separate
process without rights, a pickle with an unknown attack harms only itself.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any

from mfwb.conversion import inspector_child
from mfwb.conversion.inspector_child import Answer, Inspect, Inspection
from mfwb.isolation.audit_hook import STOPPED_EXIT_CODE
from mfwb.isolation.channel import Channel
from mfwb.isolation.forkserver import Forkserver, Process
from mfwb.planning import Content

__all__ = ["Inspector", "inspect_each"]

MAX_MEMORY = 400_000_000
"""Bytes of memory that an inspection process may take."""

_REQUEST_LIMIT = 1_000_000  # bytes of pickles that are sent at once
_PICKLES_LIMIT = 500
_ANSWER_LIMIT = 256_000_000  # bytes
_MEMORY_OF_ANSWER = 800_000_000
"""Bytes of memory that an answer may take here; the child had to hold all of it in memory, too."""
_MEMORY_OF_PART = 64  # bytes of the smallest object that a separator in JSON can stand for

_SECONDS = 100.0
_SECONDS_PER_MB = 30.0
"""Time limit of an answer: ten times the processor time that a process allows itself."""
_MAX_IDLE = 8  # processes that are kept while they are idle


class Inspector:
    """Inspects pickles, in one process per flow run; safe to use from several threads."""

    def __init__(self, forkserver: Forkserver | None = None) -> None:
        """Store the configuration; a process starts with the first inspection of a flow run.

        Args:
            forkserver: starts processes, and is closed by its owner; None: one of its own.
        """
        self._has_own_forkserver = forkserver is None
        self._forkserver = forkserver or Forkserver(inspector_child.__name__, MAX_MEMORY)
        self._processes: dict[str, _InspectionProcess] = {}
        self._lock = Lock()

    def start(self) -> None:
        """Start the fork server before it is needed."""
        with suppress(OSError):  # the first inspection tries again
            self._forkserver.start()

    def inspect(self, flow_run: str, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        """Return the result of an inspection of each pickle of a flow run.

        If a pickle ends the process, its result is the reason; the others are inspected again.
        """
        process = self._process_for(flow_run)
        try:
            return process.send(look, pickled)
        except _EndedError as error:
            if len(pickled) == 1:
                return [(None, str(error))]
        return [self.inspect(flow_run, look, [data])[0] for data in pickled]

    def pid(self, flow_run: str) -> int | None:
        """Return the id of a flow run's process; None: there is none."""
        with self._lock:
            process = self._processes.get(flow_run)
        return None if process is None else process.pid

    def stop_process(self, flow_run: str) -> None:
        """Stop the process of a flow run; the next inspection starts a new one."""
        with self._lock:
            process = self._processes.pop(flow_run, None)
        if process is not None:
            process.end()

    def close(self) -> None:
        """Stop all processes."""
        with self._lock:
            processes = [*self._processes.values()]
            self._processes.clear()
        if self._has_own_forkserver:
            self._forkserver.close()  # also kills processes that other threads may be waiting for
        for process in processes:
            process.end()

    def _process_for(self, flow_run: str) -> _InspectionProcess:
        with self._lock:
            if flow_run not in self._processes:
                for name in [*self._processes]:
                    if len(self._processes) >= _MAX_IDLE and self._processes[name].end(wait=False):
                        del self._processes[name]
                self._processes[flow_run] = _InspectionProcess(self._forkserver)
            return self._processes[flow_run]


def inspect_each(
    inspect: Inspect, look: Inspection, loaded: Iterable[tuple[Content, bytes | None]]
) -> Iterator[tuple[Content, Answer]]:
    """Yield the result of an inspection of each content; small contents share a request."""
    group: list[tuple[Content, bytes]] = []
    size = 0
    for content, data in loaded:
        if data is None:
            yield content, (None, "its bytes can't be read")
            continue
        is_full = size + len(data) > _REQUEST_LIMIT or len(group) == _PICKLES_LIMIT
        if group and (is_full or content.flow_run != group[0][0].flow_run):
            yield from _inspect_group(inspect, look, group)
            group, size = [], 0
        group.append((content, data))
        size += len(data)
    if group:
        yield from _inspect_group(inspect, look, group)


def _inspect_group(
    inspect: Inspect, look: Inspection, group: Sequence[tuple[Content, bytes]]
) -> Iterator[tuple[Content, Answer]]:
    answers = inspect(group[0][0].flow_run, look, [data for _, data in group])
    for (content, _), answer in zip(group, answers, strict=True):
        yield content, answer


class _EndedError(Exception):
    """The process ended before it answered; the text is the reason."""


def _check_answer(look: Inspection, answer: Any) -> Answer:
    """Return the answer if it has a valid form; else EOFError: the process may be compromised.

    The content of a value can be any JSON.
    """
    match answer:
        case [None, str() | None as reason]:
            return None, reason
        case [result, None] if _is_valid_result(look, result):
            return result, None
    raise EOFError("no answer")


def _is_valid_result(look: Inspection, result: Any) -> bool:
    if look is Inspection.DIGEST:
        return isinstance(result, str)
    if look is Inspection.SIZE:
        return _is_size(result)
    if look is Inspection.INSIDE:
        return _is_inside(result)
    if look in {Inspection.NAMES, Inspection.NAMES_AT_START}:
        return _are_texts(result)
    return isinstance(result, list) and len(result) == 2 and isinstance(result[1], bool)  # noqa: PLR2004


def _is_inside(result: Any) -> bool:
    match result:
        case {
            "names": names,
            "only_named": only_named,
            "size": size,
            "no_value": str() | None,
            "is_relative": bool() | None,
        }:
            is_valid = size is None or _is_size(size)
            return is_valid and _are_texts(names) and _are_texts(only_named)
    return False


def _is_size(result: Any) -> bool:
    return isinstance(result, int) and not isinstance(result, bool) and result >= 0


def _are_texts(result: Any) -> bool:
    return isinstance(result, list) and all(isinstance(item, str) for item in result)


class _InspectionProcess:
    """The inspection process of one flow run, started on demand; safe for several threads."""

    def __init__(self, forkserver: Forkserver) -> None:
        self._forkserver = forkserver
        self._lock = Lock()
        self._process: Process | None = None
        self._channel: Channel | None = None  # of this process
        self._is_ready = False  # whether it has reported what confines it

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None else process.pid

    def send(self, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        with self._lock:
            try:
                return self._send(look, pickled)
            except _EndedError:
                raise
            except (OSError, ValueError, EOFError, RecursionError) as error:
                raise _EndedError(self._reason(error)) from None
            except BaseException:
                self._stop()  # the next request must not receive the answer to this one
                raise

    def end(self, *, wait: bool = True) -> bool:
        """Stop the process; with `wait=False` only if it is idle. Return whether it was stopped."""
        if not self._lock.acquire(blocking=wait):
            return False
        try:
            self._stop()
        finally:
            self._lock.release()
        return True

    def _send(self, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        sizes = [len(data) for data in pickled]
        deadline = monotonic() + _SECONDS + _SECONDS_PER_MB * sum(sizes) / 1_000_000
        channel = self._open_channel()
        if not self._is_ready:
            self._answer(channel, deadline)  # the report of what confines it
            self._is_ready = True
        request = {"look": look.value, "sizes": sizes}
        channel.send((json.dumps(request).encode(), b"\n", *pickled), deadline)
        answers = self._answer(channel, deadline)
        if not isinstance(answers, list) or len(answers) != len(pickled):
            raise EOFError("no answer")
        return [_check_answer(look, item) for item in answers]

    def _open_channel(self) -> Channel:
        """Return the pipes of the process, which is started if there is none."""
        if self._channel is None:
            self._process = self._forkserver.start_process(tempfile.gettempdir())
            self._channel = Channel(self._process)
        return self._channel

    def _answer(self, channel: Channel, deadline: float) -> Any:
        line = channel.read_answer(deadline, _ANSWER_LIMIT)
        parts = sum(line.count(sign) for sign in (b",", b"[", b"{"))
        if len(line) + _MEMORY_OF_PART * parts > _MEMORY_OF_ANSWER:
            raise EOFError("an answer that is too large")
        return json.loads(line)

    def _reason(self, error: Exception) -> str:
        if self._process is None:
            return f"no process to inspect it could be started: {error}"
        code = self._stop()
        if code == -signal.SIGPROF or isinstance(error, TimeoutError):
            return "inspecting it took too long"
        if code == STOPPED_EXIT_CODE:
            return "its process was stopped: it tried what no pickle needs"
        return f"the process that inspected it ended ({code})"

    def _stop(self) -> int | None:
        process, self._process, self._is_ready = self._process, None, False
        channel, self._channel = self._channel, None
        if process is None:
            return None
        code = process.kill()
        if channel is not None:
            channel.close()
        return code
