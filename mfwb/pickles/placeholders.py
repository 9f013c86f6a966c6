"""Stand-ins in a loaded value for objects that mfwb does not create, with a readable form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["ClassStandIn", "StandIn", "stand_in_for_type"]


class StandIn:
    """Stand-in for an object."""

    def as_plain(self) -> Any:
        """Return a readable form of the object, made of plain values."""
        raise NotImplementedError


class ClassStandIn(type):
    """Metaclass of stand-ins for classes; not hashable, since as keys they would become text."""

    name = ""

    __hash__ = None  # type: ignore[assignment]

    def as_plain(cls) -> str:
        """Return the qualified name of the class."""
        return cls.name


class _EmptyFactory(StandIn):
    """Stand-in for a type that pickles name, as a `default_factory`, but don't call."""

    __hash__ = None  # type: ignore[assignment]  # for the same reason as `ClassStandIn`

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self) -> Any:
        """Return an empty object of the type.

        With an argument it could copy that, or write it out, any number of times.
        """
        return self._kind()

    def as_plain(self) -> str:
        """Return the name of the type."""
        return self._kind.__name__


def stand_in_for_type(kind: type) -> Callable[[], Any]:
    """Return a stand-in for a type that pickles name but don't call."""
    return _EmptyFactory(kind)
