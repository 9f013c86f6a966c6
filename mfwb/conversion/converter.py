"""Converter: converts pickles in a separate process, which it starts and sends requests to.

The process works in parallel to this one, and its memory is released when it ends. A pickle that
crashes a library, never finishes or needs too much memory harms nothing else. Neither does one
that manages to run code: unless pickles are trusted, the process may only read libraries and the
pickle, and write into its own folder (`sandbox`, `audit_hook`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import monotonic

from mfwb.conversion import converter_child
from mfwb.conversion.convert import Job
from mfwb.conversion.converter_child import INBOX, OUTBOX, Answer
from mfwb.files.private_files import remove_own
from mfwb.isolation.audit_hook import STOPPED_EXIT_CODE
from mfwb.isolation.channel import Channel
from mfwb.isolation.forkserver import Forkserver
from mfwb.safe_text import one_line

__all__ = ["MAX_MEMORY", "BrokenOffError", "Converter", "UnconvertibleError", "new_forkserver"]

MAX_MEMORY = 2 * 10**9
"""Default limit of memory for a conversion, in bytes."""

TIME_LIMIT = 600.0
"""Seconds that any conversion may take; a large pickle gets more."""

_MIN_SPEED = 1_000_000  # bytes per second; a slower conversion is stuck
_ANSWER_LIMIT = 65_536  # bytes; an answer is short
_DEPTH_LIMIT = 100  # levels of folders in the output
_SIZE_AT_LEAST, _SIZE_PER_BYTE = 2 * 10**9, 100
"""Bytes of output: at least, and more per byte of the pickle; a sparse file can be huge."""


class UnconvertibleError(Exception):
    """A pickle can't be converted; the text is the reason."""


class BrokenOffError(Exception):
    """The converter was closed during the conversion; the pickle may be convertible."""


def new_forkserver(max_memory: int = MAX_MEMORY, *, trusted: bool = False) -> Forkserver:
    """Return a fork server for the processes of converters.

    Args:
        max_memory: bytes of memory that each process may take for pickles.
        trusted: whether pickles may run any code in these processes.
    """
    return Forkserver(converter_child.__name__, max_memory, trusted=trusted)


class Converter:
    """Converts the pickles of one flow run in one process; safe to use from several threads."""

    def __init__(self, forkserver: Forkserver, *, time_limit: float = TIME_LIMIT) -> None:
        """Store the configuration; the process starts with the first job.

        Args:
            forkserver: starts processes.
            time_limit: seconds for a small pickle; each megabyte adds one second.
        """
        self._forkserver = forkserver
        self._time_limit = time_limit
        self._job_lock = Lock()  # held while a job runs
        self._process_lock = Lock()  # held while the process starts or stops
        self._child: _Child | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        child = self._child
        return None if child is None else child.pid

    @property
    def confined_by(self) -> str:
        """The mechanisms that confine the process: "Landlock 7, seccomp, audit hook"."""
        child = self._child
        return "" if child is None or child.confined_by is None else child.confined_by

    def convert(self, job: Job) -> str:
        """Run a job; the fork server decides whether the pickle is trusted.

        Returns:
            How the files differ from the pickle; empty if they do not.

        Raises:
            UnconvertibleError: the conversion failed. Partial output may remain at the target.
            BrokenOffError: the converter was closed before or during the conversion.
            OSError: the disk is full.
        """
        (result,) = self.convert_each([job])
        if isinstance(result, UnconvertibleError):
            raise result
        return result

    def convert_each(self, jobs: Sequence[Job]) -> list[str | UnconvertibleError]:
        """Run jobs whose targets are in one folder, and return the result of each.

        All are sent at once, so that the process goes on while its answers are read. One that ends
        the process does not harm those after it. The errors are those of `convert`.
        """
        results: list[str | UnconvertibleError] = []
        with self._job_lock:
            while len(results) < len(jobs):
                left = jobs[len(results) :]
                try:
                    child = self._ensure_process(left[0].target.parent)
                    for answer in child.do_each(left, self._time_limit):
                        results.append(self._result_of(answer))  # noqa: PERF401 - an error may follow
                except UnconvertibleError as error:  # the process has ended, or none could start
                    self._raise_if_closed()
                    results.append(error)
        return results

    def _result_of(self, answer: Answer) -> str | UnconvertibleError:
        outcome = answer.get("outcome")
        if outcome == converter_child.NO_MEMORY:
            return UnconvertibleError(
                f"it takes more than {self._forkserver.max_memory:,} bytes of memory"
            )
        if outcome == converter_child.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if outcome != converter_child.DONE:
            return UnconvertibleError(str(answer.get("reason")))
        return one_line(str(answer.get("altered") or ""))

    def stop_if_idle(self) -> None:
        """Stop the process if it is idle; the next job starts a new one."""
        if self._job_lock.acquire(blocking=False):
            try:
                self._stop()
            finally:
                self._job_lock.release()

    def close(self) -> None:
        """Stop the process, also during a job; the converter accepts no further jobs."""
        # It does not wait for the job lock: closing must interrupt a long conversion.
        self._closed = True
        self._stop()

    def _stop(self) -> None:
        with self._process_lock:
            if self._child is not None:
                self._child.end()
                self._child = None

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise BrokenOffError("the conversion was interrupted")

    def _ensure_process(self, beside: Path) -> _Child:
        """Return the process, started if necessary; UnconvertibleError if it can't start."""
        with self._process_lock:
            self._raise_if_closed()
            if self._child is None or not self._child.lives():
                try:
                    self._child = _Child(self._forkserver, beside)
                except OSError as error:  # too many processes, or Python was moved
                    raise UnconvertibleError(
                        f"no process to convert it could be started: {error}"
                    ) from None
            return self._child


class _Child:
    """The process that runs `converter_child.run_worker`, with its process group and folder."""

    def __init__(self, forkserver: Forkserver, beside: Path) -> None:
        self._folder = tempfile.mkdtemp(prefix="converting-", dir=beside)
        self._inbox = Path(self._folder, INBOX)
        self._outbox = Path(self._folder, OUTBOX)
        try:
            self._inbox.mkdir()
            self._outbox.mkdir()
            self._process = forkserver.start_process(self._folder)
        except BaseException:
            _remove(Path(self._folder))
            raise
        self.pid = self._process.pid
        self._channel = Channel(self._process)
        self.confined_by: str | None = None  # unknown until the process reports it

    def do_each(self, jobs: Sequence[Job], time_limit: float) -> Iterator[Answer]:
        """Run jobs in the process, move their files to their destinations, and yield the answers.

        UnconvertibleError, about the next of them, if the process has ended or was stopped.

        Args:
            jobs: they are sent at once, and run one after the other.
            time_limit: seconds for a small pickle; each megabyte adds one second.
        """
        running = [
            _Running(job, number, self._inbox, self._outbox) for number, job in enumerate(jobs)
        ]
        self._remove_leftovers(running)
        try:
            for item in running:
                _link_or_copy(item.job.source, item.source)
            requests = b"".join(json.dumps(item.request).encode() + b"\n" for item in running)
            for item in running:
                answer = self._answer_to(requests, time_limit + item.size / _MIN_SPEED)
                requests = b""
                if answer.get("outcome") == converter_child.DONE:
                    item.move_output()
                yield answer
        except BaseException:
            self.end()  # the next request must not receive an answer to these
            raise
        finally:
            self._remove_leftovers(running)

    def _remove_leftovers(self, running: Sequence[_Running]) -> None:
        """Remove files of jobs; mostly there are none or few, which two listings tell."""
        files = [file for item in running for file in (item.source, item.target, item.rows)]
        try:
            present = {*os.listdir(self._inbox), *os.listdir(self._outbox)}  # noqa: PTH208 - speed
        except OSError:  # the process may have changed its own folder
            present = {file.name for file in files}
        for file in files:
            if file.name in present:
                _remove(file)

    def _answer_to(self, requests: bytes, seconds: float) -> Answer:
        """Send requests, if there are any, and return the next answer.

        UnconvertibleError if the process has ended instead.
        """
        deadline = monotonic() + seconds
        try:
            self._channel.send((requests,), deadline)
            if self.confined_by is None:
                self.confined_by = str(self._read_answer(deadline).get("confined"))
            return self._read_answer(deadline)
        except TimeoutError:
            raise UnconvertibleError(f"it took more than {seconds:,.0f} seconds") from None
        except (OSError, ValueError, EOFError):  # the process has ended or was killed
            code = self._process.kill()
        if code == STOPPED_EXIT_CODE:
            raise UnconvertibleError("its process was stopped: it tried what no conversion needs")
        raise UnconvertibleError(f"the process that converts it ended ({code})")

    def _read_answer(self, deadline: float) -> Answer:
        answer = json.loads(self._channel.read_answer(deadline, _ANSWER_LIMIT))
        if not isinstance(answer, dict):
            raise EOFError("no answer")  # noqa: TRY004 - handled like a missing answer
        return answer

    def lives(self) -> bool:
        """Return whether the process runs; clean up after it if not."""
        if self._process.poll() is None:
            return True
        self.end()
        return False

    def end(self) -> None:
        """Kill the process unless it has ended, wait for it, and remove its folder."""
        self._process.kill()
        self._channel.close()
        _remove(Path(self._folder))


class _Running:
    """A job in a process: its files are in the folders of the process."""

    def __init__(self, job: Job, number: int, inbox: Path, outbox: Path) -> None:
        self.job = job
        self.source = inbox / f"pickle-{number}"
        self.target = outbox / f"made-{number}"
        self.rows = outbox / f"rows-{number}"
        self.size = job.source.stat().st_size  # in bytes

    @property
    def request(self) -> dict[str, str | None]:
        """What the process is asked for."""
        return {
            "conversion": self.job.conversion.value,
            "source": str(self.source),
            "target": str(self.target),
            "rows": None if self.job.rows is None else str(self.rows),
            "plugin": self.job.plugin,
        }

    def move_output(self) -> None:
        """Move what the process has made to where the job wants it; UnconvertibleError."""
        max_bytes = _SIZE_AT_LEAST + _SIZE_PER_BYTE * self.size
        _move_output(self.target, self.job.target, max_bytes)
        if self.job.rows is not None and self.rows.exists():
            _move_output(self.rows, self.job.rows, max_bytes)


def _link_or_copy(source: Path, target: Path) -> None:
    """Make a file available in the folder that a process may read but not write."""
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or a file system without hard links
        shutil.copyfile(source, target)


def _move_output(output: Path, target: Path, max_bytes: int) -> None:
    """Move the output of a process; UnconvertibleError if it is too large or not plain files."""
    try:
        size = _size_of_files(output, _DEPTH_LIMIT)
    except OSError as error:
        raise UnconvertibleError(f"its conversion left no output: {error}") from None
    if size > max_bytes:
        raise UnconvertibleError(
            f"its conversion wrote {size:,} bytes, far too much for a pickle of its size"
        )
    shutil.move(output, target)


def _size_of_files(path: Path, levels: int) -> int:
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode):
        if not levels:
            raise UnconvertibleError("the output of its conversion is nested too deeply")
        return sum(_size_of_files(inner, levels - 1) for inner in [*path.iterdir()])
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        raise UnconvertibleError("the output of its conversion is not a file")
    return facts.st_size


def _remove(path: Path) -> None:
    with suppress(OSError):
        remove_own(path)
