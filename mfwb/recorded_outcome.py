"""The outcome of a flow run as the ledger keeps it, and as a later call shows it: unchanged.

A cron job finds thousands of flow runs unchanged. To read the JSON of an outcome into values and to
print these again takes 0.2 ms, and most calls look at none of them. So the ledger's text begins
with the numbers that any result needs, and the rest is shown as it is, or read when it is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mfwb.outcome import (
    FlowRunOutcome,
    Status,
    outcome_from_json,
    outcome_to_json,
)

__all__ = ["RecordedOutcome", "as_recorded", "from_ledger", "to_ledger"]

_TEXT = r'"(?:[^"\\]|\\.)*"'  # of JSON
_RECORDED = re.compile(
    rf'\{{"page":({_TEXT}),"numbers":(\{{[^{{}}]*\}}),"pathspec":({_TEXT}),"status":"synced",'
)
_PATHSPEC = re.compile(rf'\{{"pathspec":({_TEXT}),')
_KEPT = 64  # outcomes whose values are kept, since what reads one value of them reads more


_PLAIN = {"reason": None, "bug": False, "change": None}
"""What a flow run has that was synced."""


def to_ledger(outcome: FlowRunOutcome) -> str:
    """Return the JSON of an outcome that the ledger keeps."""
    text = outcome_to_json(outcome)
    is_plain = all(getattr(outcome, name) == value for name, value in _PLAIN.items())
    if outcome.status is not Status.SYNCED or outcome.url is None or not is_plain:
        return text
    page, numbers = json.dumps(outcome.url), json.dumps(outcome.numbers, separators=(",", ":"))
    return f'{{"page":{page},"numbers":{numbers},{text[1:]}'


def from_ledger(text: str, *, is_own: bool) -> FlowRunOutcome:
    """Return what a call shows that finds a flow run unchanged, whose outcome has this JSON.

    Args:
        text: `to_ledger` returned it.
        is_own: whether this user's mfwb wrote it. In a bundle, a stranger may have done so: then
            all of it is read and checked at once.

    Raises:
        ValueError: if this version can't read it; it may also find that out later.
    """
    match = _RECORDED.match(text) if is_own and text[-1:] == "}" else None
    if match is None:
        return outcome_from_json(text).as_unchanged()
    page, numbers, pathspec = match.groups()
    return RecordedOutcome.of(
        pathspec=json.loads(pathspec),
        url=json.loads(page),
        numbers=_numbers(numbers),
        text=f'{{"pathspec":{pathspec},"status":"unchanged",{text[match.end() :]}',
    )


def as_recorded(outcome: FlowRunOutcome) -> RecordedOutcome | None:
    """Return the outcome of an unchanged flow run as text; None if there is more to say of it."""
    if isinstance(outcome, RecordedOutcome):
        return outcome
    is_plain = all(getattr(outcome, name) == value for name, value in _PLAIN.items())
    if outcome.status is not Status.UNCHANGED or not is_plain or outcome.bytes_written:
        return None
    if outcome.url is None and any(run.url for run in outcome.wandb_runs):
        return None  # its group has no page, but its W&B runs have: they have to be looked at
    return RecordedOutcome.of(
        pathspec=outcome.pathspec,
        url=outcome.url,
        numbers=outcome.numbers,
        text=outcome.to_json(),
    )


class RecordedOutcome(FlowRunOutcome):
    """The outcome of an unchanged flow run; its other values are read when they are used."""

    __slots__ = ("_numbers", "_text")
    _numbers: Mapping[str, int] | None
    _text: str

    @classmethod
    def of_text(cls, text: str, *, url: str | None) -> RecordedOutcome:
        """Return the outcome that has this JSON, which `to_json` returned, and this page."""
        match = _PATHSPEC.match(text)
        pathspec = json.loads(match[1]) if match else _read(text).pathspec
        return cls.of(pathspec=pathspec, url=url, numbers=None, text=text)

    @classmethod
    def of(
        cls, *, pathspec: str, url: str | None, numbers: Mapping[str, int] | None, text: str
    ) -> RecordedOutcome:
        """Return the outcome that has this JSON.

        Args:
            pathspec: of the flow run.
            url: of its group in W&B; None: it has none.
            numbers: `FlowRunOutcome.numbers`; None: they are counted when they are used.
            text: the JSON that `--json` prints for it.
        """
        outcome: RecordedOutcome = cls.__new__(cls)
        values = {"pathspec": pathspec, "url": url, "_numbers": numbers, "_text": text}
        known = {**_PLAIN, "status": Status.UNCHANGED, "seconds": None, **values}
        for name, value in known.items():
            object.__setattr__(outcome, name, value)  # it is frozen
        return outcome

    def __new__(cls, *values: Any, **named: Any) -> Any:
        """Return an empty outcome; with values, as of `replace`, a plain one that has them."""
        return FlowRunOutcome(*values, **named) if values or named else object.__new__(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made: it has all values."""
        return _read, (self._text,)

    def __getattr__(self, name: str) -> Any:
        """Return a value that was not read so far. Python calls this for empty slots alone."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_read(self._text), name)

    @property
    def numbers(self) -> Mapping[str, int]:
        """The numbers of the flow run; see `FlowRunOutcome.numbers`."""
        return _read(self._text).numbers if self._numbers is None else self._numbers

    @property
    def bytes_written(self) -> int:
        """The bytes that this call wrote: none."""
        return 0

    def to_json(self) -> str:
        """Return the document that `--json` prints for this flow run, as text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Return whether all values are equal, however they were read."""
        if not isinstance(other, FlowRunOutcome):
            return NotImplemented
        return _values_of(self) == _values_of(other)

    def __hash__(self) -> int:
        """Return the hash of what identifies the flow run."""
        return hash((self.pathspec, self.status))


def _values_of(outcome: FlowRunOutcome) -> FlowRunOutcome:
    return _read(outcome._text) if isinstance(outcome, RecordedOutcome) else outcome  # noqa: SLF001


@lru_cache(_KEPT)
def _read(text: str) -> FlowRunOutcome:
    return outcome_from_json(text)


@lru_cache(1024)  # most flow runs of a flow have the same numbers
def _numbers(text: str) -> Mapping[str, int]:
    numbers: dict[str, int] = json.loads(text)
    return numbers
