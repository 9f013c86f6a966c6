"""The pipes of a process that answers requests, or does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import BinaryIO, cast

import pytest

from mfwb.isolation.channel import Channel

LIMIT = 100_000  # bytes of an answer
LONG = 60.0  # seconds


class Program:
    """A process with pipes."""

    def __init__(self, text: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._process.pid
        self.requests = cast("BinaryIO", self._process.stdin)
        self.responses = cast("BinaryIO", self._process.stdout)

    def poll(self) -> int | None:
        """Return its exit code."""
        return self._process.poll()

    def kill(self) -> int:
        """Kill it."""
        self._process.kill()
        return self._process.wait()


@pytest.fixture
def start() -> Iterator[Callable[[str], tuple[Program, Channel]]]:
    """Return what starts a program; it is killed afterwards."""
    with ExitStack() as stack:

        def start_program(text: str) -> tuple[Program, Channel]:
            program = Program(text)
            channel = Channel(program)
            stack.callback(channel.close)
            stack.callback(program.kill)
            return program, channel

        yield start_program


def soon(seconds: float = LONG) -> float:
    """Return a deadline."""
    return monotonic() + seconds


ECHO = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"


def test_answers(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """Each request has its answer, also where several come at once, or one in many parts."""
    _, channel = start(ECHO)
    long = b"x" * 90_000

    channel.send((b"one\n", b"two\n"), soon())
    channel.send((long, b"\n"), soon())

    answers = [channel.read_answer(soon(), LIMIT) for _ in range(3)]
    assert answers == [b"one", b"two", long]


def test_one_that_does_not_read(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """A request that is longer than what the pipe takes waits no longer than it may."""
    _, channel = start("import time; time.sleep(600)")

    with pytest.raises(TimeoutError):
        channel.send((b"x" * 1_000_000,), soon(0.2))


def test_one_that_does_not_answer(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """Nor does the wait for an answer take longer."""
    _, channel = start("import time; time.sleep(600)")
    channel.send((b"one\n",), soon())

    with pytest.raises(TimeoutError):
        channel.read_answer(soon(0.2), LIMIT)


def test_one_that_ends(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """A process that is gone answers nothing, and takes no request."""
    program, channel = start(ECHO)
    program.kill()

    with pytest.raises(BrokenPipeError):
        channel.send((b"one\n",), soon())
    with pytest.raises(EOFError):
        channel.read_answer(soon(), LIMIT)


def test_one_that_ends_in_an_answer(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """Half an answer is none."""
    _, channel = start("print('half', end='')")

    with pytest.raises(EOFError):
        channel.read_answer(soon(), LIMIT)


def test_an_answer_without_end(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """It is not read for ever."""
    _, channel = start("while True: print('x' * 10_000, end='')")

    with pytest.raises(EOFError, match="too long"):
        channel.read_answer(soon(), LIMIT)


def test_after_its_end(start: Callable[[str], tuple[Program, Channel]]) -> None:
    """Once it is closed, whatever has its numbers now is neither read nor written."""
    _, channel = start(ECHO)
    channel.close()
    read, write = os.pipe()

    with pytest.raises(ValueError, match="closed"):
        channel.send((b"one\n",), soon())
    os.close(read)
    os.close(write)
