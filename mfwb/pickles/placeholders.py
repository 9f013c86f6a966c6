"""What stands in a value for what mfwb does not make: it says what can be read of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Kind", "StandIn", "only_empty"]


class StandIn:
    """Stands for an object."""

    def as_plain(self) -> Any:
        """Return what a person would read of it, of plain values."""
        raise NotImplementedError


class Kind(type):
    """The type of stand-ins for classes; as keys they would become text."""

    name = ""

    __hash__ = None  # type: ignore[assignment]

    def as_plain(cls) -> str:
        """Return the qualified name of the class."""
        return cls.name


class _Maker(StandIn):
    """Stands for a type that pickles name, as a `default_factory`, but don't call."""

    __hash__ = None  # type: ignore[assignment]  # as of `Kind`

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self) -> Any:
        """Return an empty one.

        With something it could copy it, or write it out, and that any number of times.
        """
        return self._kind()

    def as_plain(self) -> str:
        """Return the name of the type."""
        return self._kind.__name__


def only_empty(kind: type) -> Callable[[], Any]:
    """Return what stands in for a type that pickles name but don't call."""
    return _Maker(kind)
