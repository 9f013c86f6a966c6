"""Members of enums, as text: the class is the user's own, and is not imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from mfwb.payload.allowed import PATHS, PLAIN
from mfwb.pickles import Allowed, ForbiddenName

__all__ = ["VALUES", "WithMembers"]

_NOT_USERS = frozenset({"numpy", "pandas", "pyarrow", "polars"})
_SCALARS = (str, int, float, bool, type(None))


class WithMembers(Mapping[str, Callable[[], Any]]):
    """An allow-list, and members of enums that it knows nothing of.

    What CPython writes for a member is the class called with a single value; or, for a class that
    asks for it, `getattr` of the class and a name. All else that a name could be used for is as
    forbidden as it is without this. The text is as in `Color(1)`, `Color.RED`.
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name in self._allowed:
            return self._allowed[name]
        if name == "builtins.getattr":
            return lambda: _member_of
        if not _may_be_an_enum(name):
            raise KeyError(name)
        return partial(_enum, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._allowed)

    def __len__(self) -> int:
        return len(self._allowed)


VALUES = WithMembers({**PLAIN, **PATHS})
"""For values: what is plain, paths, and members of enums."""


class _Member(str):
    """Takes no state."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        raise ForbiddenName("the state of what may be a member of an enum")


class _NoKey(type):
    """The type of stand-ins for classes; as keys they would become text."""

    __hash__ = None  # type: ignore[assignment]


class _Enum(metaclass=_NoKey):
    """Stands for what may be an enum."""

    name = ""

    def __new__(cls, *arguments: Any) -> Any:
        """Return the text of a member."""
        if len(arguments) != 1 or type(arguments[0]) not in _SCALARS:
            raise ForbiddenName(cls.name)
        return _Member(f"{cls.name.rpartition('.')[2]}({arguments[0]!r})")


def _enum(name: str) -> type:
    return _NoKey("_EnumOfThatName", (_Enum,), {"name": name})


def _member_of(owner: Any, name: Any) -> str:
    is_enum = isinstance(owner, type) and issubclass(owner, _Enum)
    if not is_enum or not isinstance(name, str) or not name.isidentifier() or name[0] == "_":
        raise ForbiddenName("builtins.getattr")
    return _Member(f"{owner.name.rpartition('.')[2]}.{name}")


def _may_be_an_enum(name: str) -> bool:
    """Whether a name is that of a class, and of no library whose names are all known."""
    *modules, last = name.split(".")
    return (
        last[:1].isupper()
        and all(part.isidentifier() for part in (*modules, last))
        and modules[0] not in sys.stdlib_module_names | _NOT_USERS
    )
