"""Reads pickles in a confined process: their names, content digests and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfwb.isolation.forkserver import Forkserver
from mfwb.verification.expected import value_child
from mfwb.verification.expected.child_process import ChildEndedError, ChildProcess

__all__ = ["PickledValue", "ValueReader", "new_value_process", "new_value_server"]

_MAX_MEMORY = 400_000_000  # bytes that the process may take
_MAX_REQUEST = 2_000_000  # bytes
_MAX_PICKLES = 1_000


@dataclass(frozen=True, slots=True)
class PickledValue:
    """What is known of a pickled value without running its code.

    Attributes:
        digest: of its content, the same for equal values; None if it can't be read.
        names: the names that the pickle refers to; None if it can't be read.
        only_named: those of them that it never calls.
        json_value: the value as JSON, with the marks of `wording`; None also if it can't be loaded.
        size: characters of JSON of these; None if it can't be loaded.
        number: the value, if it is a number.
        series: the points of its curve, if it is one; None for a point that no float is near.
        is_nothing: whether the value is None.
        reason: why it can't be loaded.
        chart: `histogram` or `heatmap`, if it is an array that is drawn as one.
        ending: of the file that bytes or a text are; None if they are none.
    """

    digest: str | None = None
    names: frozenset[str] | None = None
    only_named: frozenset[str] = frozenset()
    json_value: Any = None
    size: int | None = None
    number: int | float | None = None
    series: tuple[float | None, ...] | None = None
    is_nothing: bool = False
    reason: str | None = None
    chart: str | None = None
    ending: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether its value is known."""
        return self.size is not None


class ValueReader:
    """Describes pickles, in a confined process."""

    def __init__(self, process: ChildProcess) -> None:
        """Store the process, which runs `value_child`."""
        self._process = process

    def read(self, pickled: Mapping[str, bytes]) -> dict[str, PickledValue]:
        """Return what each pickle holds, by its key. One that ends the process is not known."""
        result: dict[str, PickledValue] = {}
        for group in _groups(pickled):
            try:
                answers = self._ask([pickled[key] for key in group])
            except ChildEndedError:
                answers = [self._ask_alone(pickled[key]) for key in group]
            result.update(zip(group, answers, strict=True))
        return result

    def _ask_alone(self, data: bytes) -> PickledValue:
        try:
            return self._ask([data])[0]
        except ChildEndedError as error:
            return PickledValue(reason=str(error))

    def _ask(self, group: Sequence[bytes]) -> list[PickledValue]:
        answers = self._process.ask({}, group)
        try:
            values = [_to_value(answer) for answer in answers]
        except (AttributeError, TypeError, ValueError):
            values = []
        if len(values) != len(group):
            raise ChildEndedError("the process that read it gave no answer")
        return values


def new_value_server() -> Forkserver:
    """Return what starts the processes of several flow runs."""
    return Forkserver(value_child.__name__, _MAX_MEMORY)


def new_value_process(server: Forkserver | None = None) -> ChildProcess:
    """Return the process for a `ValueReader`, which starts when it is needed.

    Args:
        server: starts it; None: a server of its own.
    """
    return ChildProcess(value_child.__name__, _MAX_MEMORY, server)


def _groups(pickled: Mapping[str, bytes]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for key, data in pickled.items():
        if group and (size + len(data) > _MAX_REQUEST or len(group) == _MAX_PICKLES):
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
        json_value=answer.get("json_value"),
        size=answer.get("size"),
        number=_to_number(answer.get("number")),
        series=None if series is None else tuple(series),
        is_nothing=bool(answer.get("is_nothing")),
        reason=answer.get("reason"),
        chart=answer.get("chart"),
        ending=answer.get("ending"),
    )


def _to_number(text: str | None) -> int | float | None:
    if text is None:
        return None
    kind, _, digits = text.partition(" ")
    return int(digits, 16) if kind == "int" else float.fromhex(digits)
