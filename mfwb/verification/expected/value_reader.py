"""Reads pickles in a confined process: their names, content digests and words."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any

from typing_extensions import Self

from mfwb.isolation.forkserver import Forkserver, Process
from mfwb.verification.expected import value_child

__all__ = ["UNREAD", "PickledValue", "ValueReader"]

_MAX_MEMORY = 400_000_000  # bytes that the process may take
_MOST_OF_A_REQUEST = 2_000_000  # bytes
_MOST_PICKLES = 1_000
_MOST_OF_AN_ANSWER = 256_000_000  # bytes
_SECONDS = 100.0


@dataclass(frozen=True, slots=True)
class PickledValue:
    """What is known of a pickled value without running its code.

    Attributes:
        digest: of its content, the same for equal values; None if it can't be read.
        names: the names that the pickle refers to; None if it can't be read.
        only_named: those of them that it never calls.
        words: as W&B should say it, with the marks of `wording`; None also if it can't be loaded.
        size: characters of JSON of these; None if it can't be loaded.
        number: the value, if it is a number.
        series: the points of its curve, if it is one; None for a point that no float is near.
        is_nothing: whether the value is None.
        reason: why it can't be loaded.
    """

    digest: str | None = None
    names: frozenset[str] | None = None
    only_named: frozenset[str] = frozenset()
    words: Any = None
    size: int | None = None
    number: int | float | None = None
    series: tuple[float | None, ...] | None = None
    is_nothing: bool = False
    reason: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether its words are known."""
        return self.size is not None


UNREAD = PickledValue(reason="it was not read")


class ValueReader:
    """Describes pickles, in one process; use it as a context manager."""

    def __init__(self) -> None:
        self._forkserver = Forkserver(value_child.__name__, _MAX_MEMORY)
        self._process: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._forkserver.close()

    def read(self, pickled: Mapping[str, bytes]) -> dict[str, PickledValue]:
        """Return what each pickle holds, by its key. One that ends the process is not known."""
        result: dict[str, PickledValue] = {}
        for group in _groups(pickled):
            try:
                answers = self._ask([pickled[key] for key in group])
            except (OSError, ValueError, TypeError, KeyError):
                self._end()
                answers = [self._ask_for_one(pickled[key]) for key in group]
            result.update(zip(group, answers, strict=True))
        return result

    def _ask_for_one(self, data: bytes) -> PickledValue:
        try:
            return self._ask([data])[0]
        except (OSError, ValueError, TypeError, KeyError):
            self._end()
            return PickledValue(reason="reading it ended the process that read it")

    def _ask(self, group: Sequence[bytes]) -> list[PickledValue]:
        if self._process is None:
            self._process = self._forkserver.start_process(tempfile.gettempdir())
        process = self._process
        timer = Timer(_SECONDS, process.kill)
        timer.start()
        try:
            request = json.dumps({"sizes": [len(data) for data in group]}).encode()
            process.requests.write(request + b"\n" + b"".join(group))
            process.requests.flush()
            line = process.responses.readline(_MOST_OF_AN_ANSWER)
        finally:
            timer.cancel()
        answers = json.loads(line)
        if len(answers) != len(group):
            raise ValueError("no answer")
        return [_to_value(answer) for answer in answers]

    def _end(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.requests.close()
            with suppress(OSError):
                self._process.responses.close()
            with suppress(OSError):
                self._process.kill()
            self._process = None


def _groups(pickled: Mapping[str, bytes]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for key, data in pickled.items():
        if group and (size + len(data) > _MOST_OF_A_REQUEST or len(group) == _MOST_PICKLES):
            yield group
            group, size = [], 0
        group.append(key)
        size += len(data)
    if group:
        yield group


def _to_value(answer: Mapping[str, Any]) -> PickledValue:
    names, series = answer.get("names"), answer.get("series")
    return PickledValue(
        digest=answer.get("digest"),
        names=None if names is None else frozenset(names),
        only_named=frozenset(answer.get("only_named") or ()),
        words=answer.get("words"),
        size=answer.get("size"),
        number=_to_number(answer.get("number")),
        series=None if series is None else tuple(series),
        is_nothing=bool(answer.get("is_nothing")),
        reason=answer.get("reason"),
    )


def _to_number(text: str | None) -> int | float | None:
    if text is None:
        return None
    kind, _, digits = text.partition(" ")
    return int(digits, 16) if kind == "int" else float.fromhex(digits)
