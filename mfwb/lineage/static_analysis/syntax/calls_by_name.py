"""Calls that access attributes by name, and calls that access names of the function itself."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.attributes import flow_dict
from mfwb.lineage.static_analysis.calls.invoke import hand_over, invokes, unknown_call
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    ClassAtom,
    Const,
    Getter,
    Inputs,
    Super,
    Value,
    holds_flow,
    strings_of,
)
from mfwb.lineage.static_analysis.frame import Frame, is_flow
from mfwb.lineage.static_analysis.program.classes import name_of
from mfwb.lineage.static_analysis.syntax.expressions import by_name
from mfwb.lineage.static_analysis.syntax.targets import delete_by_name, write_by_name

__all__ = ["NAMING_CALLS"]

_Known = Callable[[Frame, Args, ast.Call], Value]


def _getattr(frame: Frame, args: Args, node: ast.Call) -> Value:
    owner, key = args.get(0, "") or args.rest or ANYTHING, args.get(1, "") or ANYTHING
    value = union(by_name(frame, atom, key, node) for atom in owner)
    return value | (args.get(2, "") or frozenset())


def _hasattr(frame: Frame, args: Args, node: ast.Call) -> Value:
    _getattr(frame, args, node)
    return ANYTHING


def _setattr(frame: Frame, args: Args, node: ast.Call) -> Value:
    if args.rest and holds_flow(args.rest):
        return unknown_call(frame, args, node)
    value = args.get(2, "") or ANYTHING
    if holds_flow(value):
        frame.doubt(node, "the flow or an input is stored by setattr")
    for atom in args.get(0, "") or ANYTHING:
        write_by_name(frame, atom, args.get(1, "") or ANYTHING, node)
    return ANYTHING


def _delattr(frame: Frame, args: Args, node: ast.Call) -> Value:
    for atom in args.get(0, "") or ANYTHING:
        delete_by_name(frame, atom, args.get(1, "") or ANYTHING, node)
    return ANYTHING


def _vars(frame: Frame, args: Args, node: ast.Call) -> Value:
    owner = args.get(0, "")
    if owner is None:
        return _own_names(frame, args, node)
    if holds_flow(owner):
        owners = [atom for atom in owner if is_flow(atom) or isinstance(atom, Inputs)]
        return flow_dict(frame, owners, node)
    return ANYTHING


def _own_names(frame: Frame, _args: Args, node: ast.Call) -> Value:
    """`locals()`: returns self under a name that the analysis can't see."""
    if any(holds_flow(value) for value in frame.state.names.values()):
        frame.doubt(node, f"{name_of(node)}() gives access to self by name")
    return ANYTHING


def _runs_text(frame: Frame, args: Args, node: ast.Call) -> Value:
    """`exec`, `eval`: text that may use any name in sight."""
    in_sight = [*frame.state.names.values(), *args.all()]
    if any(holds_flow(value) for value in in_sight):
        frame.doubt(node, f"{name_of(node)} runs text that may read artifacts")
    hand_over(frame, args, node)
    return ANYTHING


def _looks_at_stack(frame: Frame, _args: Args, node: ast.Call) -> Value:
    frame.doubt(node, f"{name_of(node)} reaches the frame that holds self")
    return ANYTHING


def _type(frame: Frame, args: Args, _node: ast.Call) -> Value:
    owner = args.get(0, "") or ANYTHING
    if any(is_flow(atom) for atom in owner) and len(args.positional) == 1:
        return value_of(ClassAtom(frame.study.flow.info))
    return ANYTHING


def _super(frame: Frame, args: Args, _node: ast.Call) -> Value:
    after, receiver = frame.owner, frame.receiver
    for atom in args.get(0, "") or frozenset():
        after = atom.info if isinstance(atom, ClassAtom) else after
    for atom in args.get(1, "") or frozenset():
        receiver = atom
    if after is None or receiver is None:
        return ANYTHING
    return value_of(Super(after, receiver))


def _attrgetter(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    names = [strings_of(value) for value in args.positional]
    known = [next(iter(name)).partition(".")[0] for name in names if name and len(name) == 1]
    return value_of(Getter(tuple(known))) if len(known) == len(names) else value_of(Getter(()))


@invokes(Getter)
def _getter(frame: Frame, atom: Getter, args: Args, node: ast.Call) -> Value:
    owner = args.get(0, "") or args.rest or ANYTHING
    if not atom.names:
        return _getattr(frame, Args((owner, ANYTHING)), node)
    return union(by_name(frame, atom, _text(name), node) for name in atom.names for atom in owner)


def _text(name: str) -> Value:
    return value_of(Const(name))


NAMING_CALLS: dict[str, _Known] = {
    "builtins.delattr": _delattr,
    "builtins.eval": _runs_text,
    "builtins.exec": _runs_text,
    "builtins.getattr": _getattr,
    "builtins.hasattr": _hasattr,
    "builtins.locals": _own_names,
    "builtins.object.__getattribute__": _getattr,
    "builtins.object.__setattr__": _setattr,
    "builtins.object.__delattr__": _delattr,
    "builtins.setattr": _setattr,
    "builtins.super": _super,
    "builtins.type": _type,
    "builtins.vars": _vars,
    "inspect.currentframe": _looks_at_stack,
    "inspect.stack": _looks_at_stack,
    "operator.attrgetter": _attrgetter,
    "sys._getframe": _looks_at_stack,
}
