"""Calls of FlowSpec's own methods: `next`, `merge_artifacts`, and the rest."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.attributes import read_attribute
from mfwb.lineage.static_analysis.calls.elements import spread
from mfwb.lineage.static_analysis.calls.invoke import invokes
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Api,
    Bound,
    Const,
    FlowSelf,
    Value,
    leaves_of,
    only,
    strings_of,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.result import Merge

__all__: list[str] = []


@invokes(Api)
def _call_api(frame: Frame, atom: Api, args: Args, node: ast.Call) -> Value:
    if atom.receiver != FlowSelf():
        return ANYTHING
    if atom.name == "next":
        _next(frame, args, node)
    elif atom.name == "merge_artifacts":
        _merge(frame, args, node)
    elif atom.name == "foreach_stack":
        frame.effects.reads_input = True
        frame.effects.reads_foreach_stack = True
    return ANYTHING


def _next(frame: Frame, args: Args, node: ast.Call) -> None:
    for value in [*args.positional, *([args.rest] if args.rest else [])]:
        for atom in leaves_of(value):
            if isinstance(atom, Bound):
                frame.effects.next.add(atom.func.name)
    for argument in ("foreach", "condition"):
        given = args.keyword(argument)
        if given is None:
            continue
        names = strings_of(given)
        if names is None:
            frame.doubt(node, f"{argument}= of self.next is computed")
            continue
        for name in names:
            read_attribute(frame, FlowSelf(), name, node)
            if argument == "foreach":
                frame.effects.iterated.add(name)


def _merge(frame: Frame, args: Args, node: ast.Call) -> None:
    exclude = _names(args.get(1, "exclude"))
    include = _names(args.get(2, "include"))
    if exclude is None or include is None or args.rest is not None:
        frame.doubt(node, "merge_artifacts is given computed names")
        exclude, include = frozenset(), frozenset()
    merge = Merge(include or None, exclude)
    frame.effects.merges[merge] = None


def _names(value: Value | None) -> frozenset[str] | None:
    """Return the constant names in a list, none if it is not given; None if they are computed."""
    if value is None or only(value) == Const(None):
        return frozenset()
    elements = spread(value)
    if elements is None:
        return None
    names = [strings_of(element) for element in elements]
    if any(name is None or len(name) > 1 for name in names):
        return None
    return frozenset().union(*(name for name in names if name))
