"""Batches: one request for what is requested at about the same time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mfwb.sink.client.batches import MAX_BATCH, Batches


class _Server:
    """Answers with the length of each word, once it is let go; notes each request."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.arrived = threading.Event()
        self.go_on = threading.Event()

    def answer(self, words: Sequence[str]) -> list[int]:
        self.requests.append(list(words))
        self.arrived.set()
        assert self.go_on.wait(10)
        if any(word.startswith("bad") for word in words):
            raise ValueError(f"refused: {', '.join(words)}")
        return [len(word) for word in words]


def test_a_single_request_is_sent_at_once() -> None:
    """Nothing waits for others that may never come."""
    server = _Server()
    server.go_on.set()

    assert Batches(server.answer).request("word") == 4
    assert server.requests == [["word"]]


def _request_all(server: _Server, words: Sequence[str]) -> list[int | Exception]:
    """Request all words while the first of them is on its way; return answers or errors."""
    batches = Batches(server.answer)

    def request(word: str) -> int | Exception:
        try:
            return batches.request(word)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(words)) as pool:
        first = pool.submit(request, words[0])
        assert server.arrived.wait(10)
        others = [pool.submit(request, word) for word in words[1:]]
        while len(batches._waiting) < len(others):  # noqa: SLF001 - to let all of them wait
            threading.Event().wait(0.001)
        server.go_on.set()
        return [first.result(), *(other.result() for other in others)]


def test_what_is_requested_meanwhile_goes_together() -> None:
    """Each thread gets its own answer."""
    server = _Server()

    answers = _request_all(server, ["a", "bb", "ccc", "dddd"])

    assert answers == [1, 2, 3, 4]
    assert [len(request) for request in server.requests] == [1, 3]


def test_a_batch_has_a_limit() -> None:
    """W&B carries out the parts of a request one after the other."""
    server = _Server()

    answers = _request_all(server, ["a"] * (MAX_BATCH + 11))

    assert answers == [1] * (MAX_BATCH + 11)
    assert [len(request) for request in server.requests] == [1, MAX_BATCH, 10]


def test_of_a_batch_that_fails_each_part_is_sent_alone() -> None:
    """Neither success nor failure of a part is concluded from that of all."""
    server = _Server()

    good, better, bad, best = _request_all(server, ["a", "bb", "bad", "dddd"])

    assert (good, better, best) == (1, 2, 4)
    assert str(bad) == "refused: bad"
    assert sorted(map(len, server.requests)) == [1, 1, 1, 1, 3]


def test_the_error_of_a_single_request_is_its_own() -> None:
    """It is not sent again."""
    server = _Server()
    server.go_on.set()

    with pytest.raises(ValueError, match="refused: bad"):
        Batches(server.answer).request("bad")
    assert server.requests == [["bad"]]
