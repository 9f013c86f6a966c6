"""`try` and `with`: the state after exceptions."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.domain.state import Exits, State, merge_states, unreachable
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Bound,
    ClassAtom,
    ExternalName,
    Func,
    Local,
    Value,
)
from mfwb.lineage.static_analysis.frame import Frame, runs
from mfwb.lineage.static_analysis.program.classes import name_of
from mfwb.lineage.static_analysis.syntax.targets import assign

__all__: list[str] = []

_SWALLOWING = frozenset({"contextlib.AsyncExitStack", "contextlib.ExitStack"})
_SOUNDS_SWALLOWING = ("suppress", "ignore", "raises", "swallow")


def _try(frame: Frame, node: ast.Try) -> None:
    if not node.finalbody:
        _guarded(frame, node)
        return
    frame.catchers.append(frame.state.copy())
    with frame.leaving() as exits:
        _guarded(frame, node)
    raised = frame.catchers.pop()
    _finally(frame, node.finalbody, exits, raised)


def _guarded(frame: Frame, node: ast.Try) -> None:
    """Follow the body, its handlers and its `else`."""
    frame.catchers.append(frame.state.copy())
    frame.run(node.body)
    raised = frame.catchers.pop()
    frame.run(node.orelse)
    end = frame.state
    for handler in node.handlers:
        frame.state = raised.copy()
        if handler.type is not None:
            frame.evaluate(handler.type)
        if handler.name:
            frame.state.names[handler.name] = ANYTHING
        frame.run(handler.body)
        end = merge_states(end, frame.state)
    frame.state = end


def _finally(frame: Frame, body: list[ast.stmt], exits: Exits, raised: State) -> None:
    """Follow the `finally` body on every exit of the block."""
    end = frame.state
    frame.state = raised
    frame.run(body)  # and the exception goes on
    frame.may_raise()
    outer = frame.exits
    outer.returns = merge_states(outer.returns, _through(frame, body, exits.returns))
    outer.breaks = merge_states(outer.breaks, _through(frame, body, exits.breaks))
    outer.continues = merge_states(outer.continues, _through(frame, body, exits.continues))
    frame.state = _through(frame, body, end)


def _through(frame: Frame, body: list[ast.stmt], state: State) -> State:
    if not state.is_reachable:
        return unreachable()
    frame.state = state.copy()
    frame.run(body)
    return frame.state


for _kind in (ast.Try, getattr(ast, "TryStar", ast.Try)):
    runs(_kind)(_try)


@runs(ast.With, ast.AsyncWith)
def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    swallows = False
    for item in node.items:
        value = frame.evaluate(item.context_expr)
        if item.optional_vars is not None:
            assign(frame, item.optional_vars, value)
        swallows = swallows or _may_swallow(frame, item.context_expr)
    if not swallows:
        frame.run(node.body)
        return
    frame.catchers.append(frame.state.copy())
    frame.run(node.body)
    frame.state = merge_states(frame.state, frame.catchers.pop())


def _may_swallow(frame: Frame, node: ast.expr) -> bool:
    """Return whether a context manager may suppress an exception."""
    if any(part in name_of(node).lower() for part in _SOUNDS_SWALLOWING):
        return True
    target = node.func if isinstance(node, ast.Call) else node
    return any(_swallows(frame, atom) for atom in _evaluate_without_effects(frame, target))


def _evaluate_without_effects(frame: Frame, node: ast.expr) -> Value:
    """Return the value of an expression again, without effects on the state."""
    state = frame.state.copy()
    value = frame.evaluate(node)
    frame.state = state
    return value


def _catches(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Try) and node.handlers for node in ast.walk(function))


def _returns(function: ast.AST) -> bool:
    values = (node.value for node in ast.walk(function) if isinstance(node, ast.Return))
    return any(value is not None for value in values)


def _swallows(frame: Frame, atom: object) -> bool:
    if isinstance(atom, ExternalName):
        return atom.dotted in _SWALLOWING
    if isinstance(atom, Bound):
        atom = atom.func
    if isinstance(atom, Local):
        atom = atom.func
    if isinstance(atom, Func):
        return frame.study.compute_once(atom.node, _catches)
    if isinstance(atom, ClassAtom):
        leaving = [*atom.info.members.get("__exit__", []), *atom.info.members.get("__aexit__", [])]
        return not leaving or any(frame.study.compute_once(method, _returns) for method in leaving)
    return False
