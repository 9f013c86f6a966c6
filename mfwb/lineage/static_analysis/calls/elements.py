"""Elements of containers: by iteration, by subscript, by their methods."""

from __future__ import annotations

from collections.abc import Callable

from mfwb.lineage.static_analysis.calls.client_levels import child_of
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.text_values import item_of_text
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    Client,
    Const,
    DictOf,
    InputAtom,
    Inputs,
    Iter,
    Map,
    MethodOf,
    Nested,
    Text,
    Tup,
    Value,
    only,
)

__all__ = [
    "CONTAINER_METHODS",
    "container_method",
    "element_of",
    "entries_of",
    "is_nonempty",
    "item_of",
    "members_of",
    "slice_of",
    "spread",
    "unpack",
]


def element_of(value: Value) -> Value:
    """Return the elements from an iteration over a value."""
    return union(_element(atom) for atom in value)


def _element(atom: Atom) -> Value:
    if isinstance(atom, Tup | Iter):
        return union(atom.held())
    if isinstance(atom, Nested):
        return atom.leaves | {atom}
    if isinstance(atom, DictOf):
        return frozenset(Const(key) for key in atom.keys) or ANYTHING
    if isinstance(atom, Inputs):
        return value_of(InputAtom())
    return value_of(child_of(atom)) if isinstance(atom, Client) else _element_of_text(atom)


def _element_of_text(atom: Atom) -> Value:
    return item_of_text(atom, None) if isinstance(atom, Text) else ANYTHING


def members_of(value: Value) -> Value:
    """Return the possible values in a container, those of a dict included."""
    return union(_members(atom) for atom in value)


def _members(atom: Atom) -> Value:
    if isinstance(atom, DictOf):
        return union(atom.values)
    if isinstance(atom, Map):
        return atom.element
    return _element(atom)


def entries_of(atom: Atom) -> Value:
    """Return the values that `**` passes on."""
    return _members(atom) if isinstance(atom, DictOf | Map | Nested) else value_of(atom)


def spread(value: Value) -> tuple[Value, ...] | None:
    """Return the elements one by one, or None if their number is not known."""
    atom = only(value)
    if isinstance(atom, Tup):
        return atom.items
    if isinstance(atom, DictOf):
        return tuple(value_of(Const(key)) for key in atom.keys)
    return None


def is_nonempty(value: Value) -> bool:
    """Return whether an iterable certainly has an element. A join always has an input."""
    return all(
        isinstance(atom, Inputs)
        or (isinstance(atom, Tup) and bool(atom.items))
        or (isinstance(atom, DictOf) and bool(atom.keys))
        or (isinstance(atom, Iter) and atom.nonempty)
        for atom in value
    )


def unpack(value: Value, index: int) -> Value:
    """Return the value that the target at an index gets; a negative index counts from the end."""
    return union(_unpack_atom(atom, index) for atom in value)


def _unpack_atom(atom: Atom, index: int) -> Value:
    if isinstance(atom, Inputs):
        return value_of(InputAtom(index=index))
    if isinstance(atom, Tup):
        return _at(atom, index)
    return _element(atom)


def _at(atom: Tup, index: int) -> Value:
    inside = -len(atom.items) <= index < len(atom.items)
    return atom.items[index] if inside else union(atom.items)


def item_of(value: Value, key: Value) -> Value:
    """Return the value of `value[key]`."""
    constant = only(key)
    return union(
        _item(atom, constant.value if isinstance(constant, Const) else None) for atom in value
    )


def _item(atom: Atom, key: str | int | None) -> Value:
    if isinstance(atom, Inputs):
        return value_of(InputAtom(index=key)) if isinstance(key, int) else value_of(InputAtom())
    if isinstance(atom, Tup) and isinstance(key, int):
        return _at(atom, key)
    if isinstance(atom, DictOf) and key in atom.keys:
        return atom.values[atom.keys.index(key)]
    if isinstance(atom, Text):
        return item_of_text(atom, key)
    return _members(atom)


def slice_of(value: Value) -> Value:
    """Return the value of a slice: the same elements, if any."""
    return union(_slice(atom) for atom in value)


def _slice(atom: Atom) -> Value:
    if isinstance(atom, Tup | Iter | Inputs):
        return value_of(Iter(_element(atom)))
    if isinstance(atom, Nested):
        return value_of(atom)
    return ANYTHING


def _items(atom: Atom) -> Value:
    if isinstance(atom, DictOf):
        pairs = zip(atom.keys, atom.values, strict=True)
        return value_of(
            Tup(tuple(value_of(Tup((value_of(Const(key)), value))) for key, value in pairs))
        )
    return value_of(Iter(value_of(Tup((ANYTHING, _members(atom))))))


def _values(atom: Atom) -> Value:
    return (
        value_of(Tup(atom.values)) if isinstance(atom, DictOf) else value_of(Iter(_members(atom)))
    )


def _keys(atom: Atom) -> Value:
    if isinstance(atom, DictOf):
        return value_of(Tup(tuple(value_of(Const(key)) for key in atom.keys)))
    return ANYTHING


CONTAINER_METHODS: dict[str, Callable[[Atom], Value]] = {
    "copy": value_of,
    "get": lambda atom: _members(atom) | ANYTHING,
    "items": _items,
    "keys": _keys,
    "pop": _members,
    "popitem": lambda atom: value_of(Tup((ANYTHING, _members(atom)))),
    "popleft": _members,
    "setdefault": lambda atom: _members(atom) | ANYTHING,
    "values": _values,
}


def container_method(atom: MethodOf) -> Value | None:
    """Return the result of a container's method, or None if it returns no elements."""
    method = CONTAINER_METHODS.get(atom.name)
    return method(atom.owner) if method else None
