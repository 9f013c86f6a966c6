"""Pickles are converted in another process, which this one starts and asks.

It works while this process goes on; the memory that values took is given back when it ends; and a
pickle that crashes a library, never comes to an end or needs too much memory takes nothing else
down. Nor does one that gets to run code: unless it is trusted, the process has no rights but to
read libraries and the pickle, and to write into a folder of its own (`sandbox`, `audit`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Timer

from mfwb.conversion import converter_child
from mfwb.conversion.convert import Job
from mfwb.conversion.converter_child import INBOX, OUTBOX, Answer
from mfwb.files.private_files import remove_below
from mfwb.isolation.audit_hook import STOPPED_EXIT_CODE
from mfwb.isolation.forkserver import Forkserver
from mfwb.safe_text import one_line

__all__ = ["MAX_MEMORY", "BrokenOffError", "Converter", "UnconvertibleError", "new_forkserver"]

MAX_MEMORY = 2 * 10**9
"""Bytes that a conversion may take unless said otherwise."""

TIME_LIMIT = 600.0
"""Seconds that any conversion may take; a large one has more."""

_SLOWEST = 1_000_000  # bytes per second; whatever is slower has got stuck
_ANSWER_LIMIT = 65_536  # bytes; an answer is a few words
_DEPTH_LIMIT = 100  # levels of folders in what is made
_SIZE_AT_LEAST, _SIZE_PER_BYTE = 2 * 10**9, 100
"""Bytes that may be made, and how many more per byte of the pickle: a file can have holes."""


class UnconvertibleError(Exception):
    """A pickle that can't be converted; the text says why."""


class BrokenOffError(Exception):
    """The converter was closed, which says nothing about the pickle."""


def new_forkserver(max_memory: int = MAX_MEMORY, *, trusted: bool = False) -> Forkserver:
    """Return what makes the processes of converters.

    Args:
        max_memory: bytes that each may take for pickles.
        trusted: whether pickles may run whatever they want to, in these processes.
    """
    return Forkserver(converter_child.__name__, max_memory, trusted=trusted)


class Converter:
    """A process that converts for one flow run; safe to use from several threads."""

    def __init__(self, forkserver: Forkserver, *, time_limit: float = TIME_LIMIT) -> None:
        """Prepare for a process that is started when it is needed.

        Args:
            forkserver: makes processes.
            time_limit: seconds for a small pickle; each megabyte adds one.
        """
        self._forkserver = forkserver
        self._time_limit = time_limit
        self._turn = Lock()  # who has it may ask
        self._guard = Lock()  # who has it may start or end the process
        self._child: _Child | None = None
        self._closed = False

    @property
    def confined_by(self) -> str:
        """What keeps the process from doing harm: "Landlock 7, seccomp, audit hook"."""
        child = self._child
        return "" if child is None or child.confined_by is None else child.confined_by

    def convert(self, job: Job) -> str:
        """Do a job; whether it is trusted is the forkserver's to say.

        Returns:
            What the files say otherwise than the pickle; empty: nothing.

        Raises:
            UnconvertibleError: it can't be done. Something may be left at the target.
            BrokenOffError: the converter was closed before or meanwhile.
            OSError: the disk is full.
        """
        seconds = self._time_limit + job.source.stat().st_size / _SLOWEST
        with self._turn:
            try:
                answer = self._living(job.target.parent).do(job, seconds)
            except UnconvertibleError:
                self._raise_if_closed()
                raise
        outcome = answer.get("outcome")
        if outcome == converter_child.NO_MEMORY:
            raise UnconvertibleError(
                f"it takes more than {self._forkserver.max_memory:,} bytes of memory"
            )
        if outcome == converter_child.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if outcome != converter_child.DONE:
            raise UnconvertibleError(str(answer.get("reason")))
        return one_line(str(answer.get("altered") or ""))

    def rest(self) -> None:
        """End the process if it does nothing; there is a new one when it is needed again."""
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the process, whatever it is doing; nothing is converted any more."""
        # It takes no turn: who breaks off a long conversion does not want to wait for its end.
        self._closed = True
        self._end()

    def _end(self) -> None:
        with self._guard:
            if self._child is not None:
                self._child.end()
                self._child = None

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise BrokenOffError("the conversion was broken off")

    def _living(self, beside: Path) -> _Child:
        """Return the process, a new one if need be; UnconvertibleError if it can't be had."""
        with self._guard:
            self._raise_if_closed()
            if self._child is None or not self._child.lives():
                try:
                    self._child = _Child(self._forkserver, beside)
                except OSError as error:  # no more processes, or Python is not where it was
                    raise UnconvertibleError(f"no process to convert it: {error}") from None
            return self._child


class _Child:
    """A process that runs `converting.work`, and whatever it starts itself."""

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
        self.confined_by: str | None = None  # not known until it says so

    def do(self, job: Job, seconds: float) -> Answer:
        """Have a job done, and its files brought to where they are wanted."""
        source, target, rows = self._inbox / "pickle", self._outbox / "made", self._outbox / "rows"
        for left in (source, target, rows):
            _remove(left)
        _lend(job.source, source)
        request = {
            "conversion": job.conversion.value,
            "source": str(source),
            "target": str(target),
            "rows": None if job.rows is None else str(rows),
            "plugin": job.plugin,
        }
        try:
            answer = self.ask(request, seconds)
            if answer.get("outcome") == converter_child.DONE:
                most = _SIZE_AT_LEAST + _SIZE_PER_BYTE * job.source.stat().st_size
                _take(target, job.target, most)
                if job.rows is not None and rows.exists():
                    _take(rows, job.rows, most)
        finally:
            for left in (source, target, rows):
                _remove(left)
        return answer

    def ask(self, request: dict[str, str | None], seconds: float) -> Answer:
        """Return the answer; if there is none, the request is what ended the process."""
        too_late = Event()
        clock = Timer(seconds, self._kill_and_set, [too_late])
        clock.daemon = True
        clock.start()
        try:
            return self._exchange(json.dumps(request).encode() + b"\n")
        except UnconvertibleError:
            self.end()
            if too_late.is_set():
                raise UnconvertibleError(f"it took more than {seconds:,.0f} seconds") from None
            raise
        except BaseException:
            self.end()  # who asks next must not get the answer to this
            raise
        finally:
            clock.cancel()

    def lives(self) -> bool:
        """Return whether it can be asked; what is left of it is cleaned up if not."""
        if self._process.poll() is None:
            return True
        self.end()
        return False

    def end(self) -> None:
        """Kill it, unless it has ended, and wait until it is gone."""
        self._process.kill()
        for pipe in (self._process.requests, self._process.responses):
            with suppress(OSError):  # a request that it has not read
                pipe.close()
        _remove(Path(self._folder))

    def _kill_and_set(self, too_late: Event) -> None:
        too_late.set()
        self._process.kill()

    def _exchange(self, line: bytes) -> Answer:
        try:
            self._process.requests.write(line)
            self._process.requests.flush()
            if self.confined_by is None:
                self.confined_by = str(self._answer().get("confined"))
            return self._answer()
        except (OSError, ValueError, EOFError):  # it ended before, or was ended in the meantime
            code = self._process.kill()
        if code == STOPPED_EXIT_CODE:
            raise UnconvertibleError("its process was stopped: it did what no conversion does")
        raise UnconvertibleError(f"the process that converts it ended ({code})")

    def _answer(self) -> Answer:
        line = self._process.responses.readline(_ANSWER_LIMIT)
        if not line.endswith(b"\n"):
            raise EOFError("no answer")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise EOFError("no answer")  # noqa: TRY004 - as if there were none
        return answer


def _lend(source: Path, place: Path) -> None:
    """Let a process see a file where it may read and not write."""
    try:
        place.hardlink_to(source)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, place)


def _take(made: Path, target: Path, most: int) -> None:
    """Move what a process made; UnconvertibleError if it is not just files and folders, and few."""
    try:
        size = _size_of_files(made, _DEPTH_LIMIT)
    except OSError as error:
        raise UnconvertibleError(f"what was made of it is not there: {error}") from None
    if size > most:
        raise UnconvertibleError(
            f"what was made of it has {size:,} bytes, which no pickle of its size turns into"
        )
    shutil.move(made, target)


def _size_of_files(path: Path, levels: int) -> int:
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode):
        if not levels:
            raise UnconvertibleError("what was made of it is nested too deeply")
        return sum(_size_of_files(inner, levels - 1) for inner in [*path.iterdir()])
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        raise UnconvertibleError("what was made of it is no file")
    return facts.st_size


def _remove(path: Path) -> None:
    with suppress(OSError):
        remove_below(path.parent, path.name)
