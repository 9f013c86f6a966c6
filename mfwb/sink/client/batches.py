"""Batches: what several threads request at about the same time is one request.

A batch that fails says nothing about its parts: each of them is then sent alone, and has an answer
or an error of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["MAX_BATCH", "Batches"]

MAX_BATCH = 50
"""The most parts of one request: W&B carries them out one after the other."""

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Part(Generic[Q, A]):
    """A part that waits to be sent.

    Attributes:
        answers: one answer once there is one.
        is_done: whether its batch has ended, with or without an answer.
    """

    question: Q
    answers: list[A] = field(default_factory=list)
    error: BaseException | None = None
    is_done: bool = False


class Batches(Generic[Q, A]):
    """Sends what several threads request at about the same time with one request.

    One request is on its way at a time. What is requested meanwhile waits for it, and is sent
    together; if nothing waits, nothing is delayed.
    """

    def __init__(self, send: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        """Start with nothing to send.

        Args:
            send: sends one request, and returns an answer for each part.
        """
        self._send = send
        self._waiting: list[_Part[Q, A]] = []
        self._is_sending = False
        self._changed = threading.Condition()

    def request(self, question: Q) -> A:
        """Return the answer to one part; the error of its own request if that fails."""
        part: _Part[Q, A] = _Part(question)
        with self._changed:
            self._waiting.append(part)
        while batch := self._next_batch(part):
            try:
                self._send_batch(batch)
            finally:
                with self._changed:
                    self._is_sending = False
                    for sent in batch:
                        sent.is_done = True
                    self._changed.notify_all()
        if part.error is not None:
            raise part.error
        if part.answers:
            return part.answers[0]
        [answer] = self._send([question])  # the batch failed, perhaps because of another part
        return answer

    def _next_batch(self, part: _Part[Q, A]) -> list[_Part[Q, A]]:
        """Return what this thread is to send; empty once its own part is done."""
        with self._changed:
            self._changed.wait_for(lambda: part.is_done or not self._is_sending)
            if part.is_done:
                return []
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            self._is_sending = True
            return batch

    def _send_batch(self, batch: Sequence[_Part[Q, A]]) -> None:
        try:
            answers = self._send([part.question for part in batch])
        except Exception as error:  # noqa: BLE001 - of one part it is its own, of many nobody's
            if len(batch) == 1:
                batch[0].error = error
            return
        for part, answer in zip(batch, answers, strict=True):
            part.answers.append(answer)
