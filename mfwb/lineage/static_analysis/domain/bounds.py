"""How large a value may get. What grows further is held to be less certain, so that an end comes.

A container that is put into itself, or into others that are put into it, would double with every
line, and with every round of a loop. So each value has a greatest size and a greatest depth; what
would go beyond becomes a container of which only is known what may be in it somewhere. What matters
to lineage is never left out: the flow, inputs of joins, functions.
"""

from __future__ import annotations

from collections.abc import Iterable

from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    FLOWS,
    OTHER,
    Api,
    Atom,
    Bound,
    Client,
    ClientData,
    Const,
    Container,
    DictOf,
    Func,
    Iter,
    Local,
    Map,
    Nested,
    Other,
    Super,
    Text,
    Tup,
    Value,
    leaves_of,
)
from mfwb.lineage.static_analysis.errors import TooIntricateError

__all__ = [
    "LARGEST_NUMBER",
    "LONGEST_TEXT",
    "forget_structure",
    "limit_size",
    "merge_alike",
    "simplify",
    "union",
    "value_of",
    "widen",
]

LONGEST_TEXT = 1_000
"""Letters of a text that is worth knowing: it may be the name of an artifact."""

LARGEST_NUMBER = 2**31
"""A number that is worth knowing: it may be a position in a list."""

_MATTERING = (*FLOWS, Api, Bound, Func, Other, Super)
_HANDED_ON = (*FLOWS, Api, Bound, Client, ClientData, Func, Local, Super)
_DEEPEST = 8  # containers in each other
_DEEPEST_PLAIN = 3  # of those that change
_HEAVIEST = 1_000  # atoms in a container
_WIDEST = 1_000  # atoms that an expression may stand for
_MOST_CONTAINERS = 16  # of those


def value_of(*atoms: Atom) -> Value:
    """Return the value that is one of these."""
    value = frozenset(atoms)
    for atom in atoms:
        if isinstance(atom, Container) and (atom.weight > _HEAVIEST or atom.depth > _DEEPEST):
            return limit_size(value)
    return value


def union(values: Iterable[Value]) -> Value:
    """Return the value that may be any of these; ANYTHING if there are none."""
    return limit_size(frozenset().union(*values)) or ANYTHING


def limit_size(value: Value) -> Value:
    """Return the same value, less certain if it is too large.

    TooIntricateError if it may be too many things that matter.
    """
    containers = [atom for atom in value if isinstance(atom, Container)]
    if any(atom.weight > _HEAVIEST or atom.depth > _DEEPEST for atom in containers):
        value = frozenset[Atom]().union(*map(_lighten, value))
        containers = [atom for atom in value if isinstance(atom, Container)]
    if len(containers) > _MOST_CONTAINERS:
        value = value.difference(containers) | forget_structure(frozenset(containers))
    if len(value) > _WIDEST:
        value = frozenset(OTHER if isinstance(atom, Const | Text) else atom for atom in value)
    if len(value) > _WIDEST:
        raise TooIntricateError("an expression may stand for too many things")
    return value


def widen(value: Value) -> Value:
    """Return what a value may become in any number of rounds: of what it holds, what matters.

    There are only so many flows and methods, but any number of names of something outside.
    """
    leaves = frozenset(atom for atom in _leaves(value) if isinstance(atom, _MATTERING))
    return leaves if leaves == ANYTHING else leaves | {Nested(leaves)}


def _lighten(atom: Atom) -> Value:
    """Return what a container is held to be if it is too large, and others as they are."""
    if not isinstance(atom, Container) or _fits(atom):
        return frozenset((atom,))
    known: Container
    if isinstance(atom, Tup) and atom.depth <= _DEEPEST:
        known = Iter(union(atom.items), nonempty=bool(atom.items))
    elif isinstance(atom, DictOf) and atom.depth <= _DEEPEST:
        known = Map(union(atom.values))
    else:
        return forget_structure(frozenset((atom,)))
    return frozenset((known,)) if _fits(known) else forget_structure(frozenset((known,)))


def merge_alike(value: Value) -> Value:
    """Return the same value, with lists of whatever length as one, and dicts of whatever keys.

    To go through them, or to take something out of them, gives the same as before.
    """
    for kind in (Iter, Map):
        several = [atom for atom in value if isinstance(atom, kind)]
        if len(several) > 1:
            inside = union(atom.element for atom in several)
            one = Map(inside) if kind is Map else Iter(inside, all(map(_is_nonempty, several)))
            value = value.difference(several) | {one}
    return value


def simplify(value: Value) -> Value:
    """Return containers that change, less certain if they are deep and hold nothing that matters.

    Names of artifacts are in lists, and in dicts of lists, but hardly deeper.
    """
    deep = [
        atom
        for atom in value
        if isinstance(atom, Container)
        and atom.depth > _DEEPEST_PLAIN
        and not any(isinstance(leaf, _HANDED_ON) for leaf in atom.leaves)
    ]
    return value.difference(deep) | forget_structure(frozenset(deep)) if deep else value


def _is_nonempty(atom: Iter | Map) -> bool:
    return isinstance(atom, Iter) and atom.nonempty


def _fits(atom: Container) -> bool:
    return atom.weight <= _HEAVIEST and atom.depth <= _DEEPEST


def forget_structure(value: Value) -> Value:
    """Return containers of which only is known what may be in them somewhere."""
    leaves = _leaves(value)
    return leaves if leaves == ANYTHING else frozenset((Nested(leaves),))


def _leaves(value: Value) -> Value:
    """Return what is in containers and matters."""
    leaves = leaves_of(value)
    if len(leaves) > _WIDEST:
        raise TooIntricateError("a container may hold too many things")
    return leaves | ANYTHING
