"""Readable forms of objects of users' own classes; the classes are not imported.

Exceptions and the namespaces of `argparse` and `types` are treated in the same way. The pickle of
such an object has the name of its class and its parts. Members of enums become text, named tuples
become lists, and all other objects, such as dataclasses, become dicts of their fields.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from mfwb.conversion.masked_arrays import MASKED_ARRAYS
from mfwb.conversion.pandas_scalars import PANDAS_SCALARS
from mfwb.pickles import Allowed, ForbiddenName
from mfwb.pickles.allowlist import ARRAYS, PATHS, PLAIN, ZONES
from mfwb.pickles.placeholders import ClassStandIn, StandIn
from mfwb.pickles.standins import builtin

__all__ = ["READABLE", "VALUES", "AllowlistWithUserClasses"]

_NOT_USERS = frozenset({"numpy", "pandas", "pyarrow", "polars"})
_LIKE_USERS = frozenset(
    {"argparse.Namespace", "types.SimpleNamespace"}
    | {
        f"builtins.{name}"
        for name, builtin in vars(builtins).items()
        if isinstance(builtin, type) and issubclass(builtin, BaseException)
    }
)
"""Classes of Python whose objects are read like those of users' own classes."""

_SCALARS = (str, int, float, bool, type(None))
_FIELDS = "__dict__"
"""The key under which pydantic pickles the fields, which others have as their whole state."""


class AllowlistWithUserClasses(Mapping[str, Callable[[], Any]]):
    """An allow-list that also accepts unknown classes, for which there are stand-ins.

    CPython pickles a member of an enum as a call of the class with a single value or, if the class
    requests it, as `getattr` of the class and a name. Other objects are created with arguments, a
    state, or both; these are kept unchanged. Any other use of a name is still forbidden. The text
    of a member is as in `Color(1)`, `Color.RED`.
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name in self._allowed:
            return self._allowed[name]
        if name == "builtins.getattr":
            return lambda: _attribute_of
        if not _may_be_a_class(name):
            raise KeyError(name)
        return partial(_class_of_users, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._allowed)

    def __len__(self) -> int:
        return len(self._allowed)


VALUES = AllowlistWithUserClasses({**PLAIN, **PATHS, **ZONES})
"""For values: plain values, paths, and objects of users' own classes."""

READABLE = AllowlistWithUserClasses(
    {**PLAIN, **PATHS, **ZONES, **ARRAYS, **MASKED_ARRAYS, **PANDAS_SCALARS}
)
"""The same plus arrays of numpy and scalars of pandas: all that has a readable form."""


class _Member(str):
    """A member of an enum, as text; it accepts no state."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        raise ForbiddenName("the state of what may be a member of an enum")


class _Class(ClassStandIn):
    """Metaclass of stand-ins for users' own classes."""

    def __call__(cls, *arguments: Any) -> Any:  # noqa: N805 - as of all types of types
        """Return the result of calling the class: with one value, a member of an enum."""
        if len(arguments) == 1 and type(arguments[0]) in _SCALARS:
            return _Member(f"{_short(cls.name)}({arguments[0]!r})")
        return _new(cls, *arguments)


def _new(kind: Any, *arguments: Any) -> Any:
    """Return a new object of a stand-in class."""
    made = object.__new__(kind)
    made._parts = (arguments, None)
    return made


class _Object(StandIn, metaclass=_Class):
    """Stand-in for an object: keeps its parts, and does nothing with them."""

    _parts: tuple[tuple[Any, ...], Any]  # its arguments and its state

    def __new__(cls, *arguments: Any) -> Any:
        """Return a new stand-in."""
        return _new(cls, *arguments)

    def __setstate__(self, state: Any) -> None:
        """Keep the state; the preflight has checked that it is set at most once."""
        self._parts = (self._parts[0], state)

    def as_plain(self) -> Any:
        """Return the fields of the object, or its values if their names are unknown."""
        arguments, state = self._parts
        fields = _fields_of(state)
        if fields is None:
            return [*arguments, *state]
        if not fields:
            return list(arguments) if arguments else f"{_short(type(self).name)}()"
        return {"arguments": list(arguments), **fields} if arguments else fields

    def __repr__(self) -> str:
        """Return it as text, for a key of a dict; parts that hold other parts become "..."."""
        arguments, state = self._parts
        fields = _fields_of(state)
        inside = [_in_short(part) for part in (*arguments, *(state if fields is None else ()))]
        inside += [f"{name}={_in_short(part)}" for name, part in (fields or {}).items()]
        return f"{_short(type(self).name)}({', '.join(inside)})"


def _fields_of(state: Any) -> dict[Any, Any] | None:
    """Return the fields in a state; None if it is a list of values without names."""
    if state is None:
        return {}
    if isinstance(state, dict):
        inner = state.get(_FIELDS)
        return inner if isinstance(inner, dict) else state
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):  # noqa: PLR2004
        return {**(state[0] if isinstance(state[0], dict) else {}), **state[1]}
    if isinstance(state, (list, tuple)):
        return None
    return {"state": state}


def _class_of_users(name: str) -> type:
    return _Class("_ObjectOfThatName", (_Object,), {"name": name})


def _attribute_of(owner: Any, name: Any) -> Any:
    if owner is builtin.Zone:
        return builtin.zone_unpickler(owner, name)
    is_own = isinstance(owner, type) and issubclass(owner, _Object)
    if not is_own or not isinstance(name, str) or not name.isidentifier() or name[0] == "_":
        raise ForbiddenName("builtins.getattr")
    return _Member(f"{_short(owner.name)}.{name}")


def _in_short(part: Any) -> str:
    return repr(part) if type(part) in _SCALARS or isinstance(part, _Member) else "..."


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _may_be_a_class(name: str) -> bool:
    """Whether a name may be a user's class: capitalized, and not of a library with known names."""
    if name in _LIKE_USERS:
        return True
    *modules, last = name.split(".")
    return (
        last.lstrip("_")[:1].isupper()
        and all(part.isidentifier() for part in (*modules, last))
        and modules[0] not in sys.stdlib_module_names | _NOT_USERS
    )
