"""Limits on the size of values. A larger value becomes less certain, so the analysis always ends.

A container that is put into itself, or into others that are put into it, would double with every
line, and with every round of a loop. So each value has a maximum size and a maximum depth. A larger
value becomes a container whose content is known, but not the position of the content. What matters
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
"""The length limit for known texts, in letters: a text may be the name of an artifact."""

LARGEST_NUMBER = 2**31
"""The limit for known numbers: a number may be a position in a list."""

_MATTERING = (*FLOWS, Api, Bound, Func, Other, Super)
_HANDED_ON = (*FLOWS, Api, Bound, Client, ClientData, Func, Local, Super)
_DEEPEST = 8  # containers in each other
_DEEPEST_PLAIN = 3  # of those that change
_HEAVIEST = 1_000  # atoms in a container
_WIDEST = 1_000  # atoms that an expression may stand for
_MAX_CONTAINERS = 16  # of those


def value_of(*atoms: Atom) -> Value:
    """Return the value that is one of these atoms."""
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

    TooIntricateError if too many things that matter are possible.
    """
    containers = [atom for atom in value if isinstance(atom, Container)]
    if any(atom.weight > _HEAVIEST or atom.depth > _DEEPEST for atom in containers):
        value = frozenset[Atom]().union(*map(_lighten, value))
        containers = [atom for atom in value if isinstance(atom, Container)]
    if len(containers) > _MAX_CONTAINERS:
        value = value.difference(containers) | forget_structure(frozenset(containers))
    if len(value) > _WIDEST:
        value = frozenset(OTHER if isinstance(atom, Const | Text) else atom for atom in value)
    if len(value) > _WIDEST:
        raise TooIntricateError("an expression may have too many values")
    return value


def widen(value: Value) -> Value:
    """Return what a value may become in any number of rounds: what matters of its content.

    The number of flows and methods is limited, but not that of names from outside.
    """
    leaves = frozenset(atom for atom in _leaves(value) if isinstance(atom, _MATTERING))
    return leaves if leaves == ANYTHING else leaves | {Nested(leaves)}


def _lighten(atom: Atom) -> Value:
    """Return a less certain value for a container that is too large; other atoms stay."""
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
    """Return the same value, with all lists merged into one, and all dicts merged into one.

    Iterating over them, or taking an element out, gives the same as before.
    """
    for kind in (Iter, Map):
        several = [atom for atom in value if isinstance(atom, kind)]
        if len(several) > 1:
            inside = union(atom.element for atom in several)
            merged = Map(inside) if kind is Map else Iter(inside, all(map(_is_nonempty, several)))
            value = value.difference(several) | {merged}
    return value


def simplify(value: Value) -> Value:
    """Return a value of changing containers; deep ones without what matters become less certain.

    Names of artifacts are in lists, and in dicts of lists, but rarely deeper.
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
    """Return a container with the same content, but without the positions in it."""
    leaves = _leaves(value)
    return leaves if leaves == ANYTHING else frozenset((Nested(leaves),))


def _leaves(value: Value) -> Value:
    """Return what containers hold, without plain values."""
    leaves = leaves_of(value)
    if len(leaves) > _WIDEST:
        raise TooIntricateError("a container may hold too many values")
    return leaves | ANYTHING
