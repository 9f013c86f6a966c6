"""Objects of users' own classes, as they can be read: the classes are not imported.

So are errors, and the namespaces of `argparse` and `types`. A pickle of one says the name of its
class and what it is made of. Members of enums become text, named tuples lists, and all others, such
as dataclasses, dicts of their fields.
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
        for name, one in vars(builtins).items()
        if isinstance(one, type) and issubclass(one, BaseException)
    }
)
"""Classes of Python whose objects are read as those of users' own."""

_SCALARS = (str, int, float, bool, type(None))
_FIELDS = "__dict__"
"""Under which pydantic pickles what others have as their state."""


class AllowlistWithUserClasses(Mapping[str, Callable[[], Any]]):
    """An allow-list, and objects of classes that it knows nothing of.

    What CPython writes for a member of an enum is the class called with a single value; or, for a
    class that asks for it, `getattr` of the class and a name. Other objects are made of arguments,
    of a state, or of both, all of which are kept as they are. All else that a name could be used
    for is as forbidden as it is without this. The text of a member is as in `Color(1)`,
    `Color.RED`.
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
"""For values: what is plain, paths, and objects of users' own classes."""

READABLE = AllowlistWithUserClasses(
    {**PLAIN, **PATHS, **ZONES, **ARRAYS, **MASKED_ARRAYS, **PANDAS_SCALARS}
)
"""The same, arrays of numpy, and moments of pandas: what can be shown of more than a value."""


class _Member(str):
    """Takes no state."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        raise ForbiddenName("the state of what may be a member of an enum")


class _Class(ClassStandIn):
    """The type of stand-ins for users' own classes."""

    def __call__(cls, *arguments: Any) -> Any:  # noqa: N805 - as of all types of types
        """Return what a pickle makes by calling the class: with one value, a member of an enum."""
        if len(arguments) == 1 and type(arguments[0]) in _SCALARS:
            return _Member(f"{_short(cls.name)}({arguments[0]!r})")
        return _new(cls, *arguments)


def _new(kind: Any, *arguments: Any) -> Any:
    """Return a new object of a stand-in."""
    made = object.__new__(kind)
    made._parts = (arguments, None)
    return made


class _Object(StandIn, metaclass=_Class):
    """Stands for an object: it keeps what it is made of, and does nothing with it."""

    _parts: tuple[tuple[Any, ...], Any]  # what it is made of, and its state

    def __new__(cls, *arguments: Any) -> Any:
        """Return a new one."""
        return _new(cls, *arguments)

    def __setstate__(self, state: Any) -> None:
        """Keep the state; it comes at most once, which the rehearsal sees to."""
        self._parts = (self._parts[0], state)

    def as_plain(self) -> Any:
        """Return its fields, or the values that it is made of where their names are not known."""
        arguments, state = self._parts
        fields = _fields_of(state)
        if fields is None:
            return [*arguments, *state]
        if not fields:
            return list(arguments) if arguments else f"{_short(type(self).name)}()"
        return {"arguments": list(arguments), **fields} if arguments else fields

    def __repr__(self) -> str:
        """Return it as text, as for a key; parts that hold parts are left out, however many."""
        arguments, state = self._parts
        fields = _fields_of(state)
        inside = [_in_short(one) for one in (*arguments, *(state if fields is None else ()))]
        inside += [f"{name}={_in_short(one)}" for name, one in (fields or {}).items()]
        return f"{_short(type(self).name)}({', '.join(inside)})"


def _fields_of(state: Any) -> dict[Any, Any] | None:
    """Return what is by name in a state; None if it is a list of values, as with slots."""
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
    """Whether a name is that of a class, and of no library whose names are all known."""
    if name in _LIKE_USERS:
        return True
    *modules, last = name.split(".")
    return (
        last.lstrip("_")[:1].isupper()
        and all(part.isidentifier() for part in (*modules, last))
        and modules[0] not in sys.stdlib_module_names | _NOT_USERS
    )
