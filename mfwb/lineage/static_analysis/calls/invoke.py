"""Calls of any value."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.follow import defer, summarise
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.effects import Summary
from mfwb.lineage.static_analysis.domain.state import merge_states
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    Bound,
    FlowSelf,
    Func,
    Local,
    Value,
    holds_flow,
    leaves_of,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.program.classes import name_of

__all__ = ["apply", "hand_over", "invoke", "invokes", "unknown_call"]

_LONGEST = 40  # letters of a callee's name in a doubt

_Invoker = Callable[[Frame, Any, Args, ast.Call], Value]
_INVOKERS: dict[type[Atom], _Invoker] = {}


def invokes(kind: type[Atom]) -> Callable[[_Invoker], _Invoker]:
    """Return a decorator that registers a function to call this kind of atom."""

    def register(function: _Invoker) -> _Invoker:
        _INVOKERS[kind] = function
        return function

    return register


def invoke(frame: Frame, atom: Atom, args: Args, node: ast.Call) -> Value:
    """Return the value of a call, and note its effects."""
    frame.study.spend()
    invoker = _INVOKERS.get(type(atom))
    return unknown_call(frame, args, node) if invoker is None else invoker(frame, atom, args, node)


def apply(frame: Frame, called: Value, args: Args, node: ast.Call) -> Value:
    """Return the value of a function that other code calls, any number of times."""
    value: Value = frozenset()
    for atom in called:
        before = frame.state.copy()
        value |= invoke(frame, atom, args, node)
        frame.state = merge_states(before, frame.state)
    return value or ANYTHING


def unknown_call(frame: Frame, args: Args, node: ast.Call) -> Value:
    """Return the value of an unknown function, and note doubts about its arguments."""
    for value in args.all():
        if holds_flow(value):
            what = "self" if FlowSelf() in leaves_of(value) else "an input"
            frame.doubt(node, f"{what} is handed to {_short(node)}")
    hand_over(frame, args, node)
    return ANYTHING


def hand_over(frame: Frame, args: Args, node: ast.Call) -> None:
    """Note that functions among the arguments may be called from here on."""
    for value in args.all():
        for atom in leaves_of(value):
            summary = _of_any_call(frame, atom)
            if summary is None:
                continue
            defer(frame, summary)
            if holds_flow(summary.value):
                frame.doubt(
                    node, f"a function that returns self or an input is handed to {_short(node)}"
                )


def _of_any_call(frame: Frame, atom: Atom) -> Summary | None:
    """Return the summary of a call of an atom with any arguments; None: it can't be followed."""
    if isinstance(atom, Local):
        return summarise(frame, atom.func, Args(rest=ANYTHING), home=atom.home)
    if isinstance(atom, Bound):
        return summarise(frame, atom.func, Args((value_of(atom.receiver),), rest=ANYTHING))
    if isinstance(atom, Func):
        return summarise(frame, atom, Args(rest=ANYTHING))
    return None


def _short(node: ast.Call) -> str:
    name = name_of(node)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
