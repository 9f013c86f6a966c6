"""Loops: followed until another round changes nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mfwb.lineage.static_analysis.calls.elements import element_of, is_nonempty, spread
from mfwb.lineage.static_analysis.domain.bounds import widen
from mfwb.lineage.static_analysis.domain.state import State, merge_states, unreachable
from mfwb.lineage.static_analysis.domain.values import Value, holds_flow, is_plain
from mfwb.lineage.static_analysis.errors import TooIntricateError
from mfwb.lineage.static_analysis.frame import Frame, runs
from mfwb.lineage.static_analysis.syntax.targets import assign

__all__: list[str] = []

_BY_NAME = frozenset({"delattr", "getattr", "hasattr", "setattr"})
_UNROLLED = 50
_ROUNDS = 10
_PATIENT_ROUNDS = 3


@runs(ast.For, ast.AsyncFor)
def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    source = frame.evaluate(node.iter)
    elements = spread(source)
    if elements is not None and _worth_unrolling(frame, node, elements):
        _each_element(frame, node, elements)
        return
    breaks, after = _rounds(
        frame, lambda: assign(frame, node.target, element_of(source)), node.body
    )
    if is_nonempty(source):
        frame.state = after
    _otherwise(frame, node.orelse, breaks)


def _worth_unrolling(
    frame: Frame, node: ast.For | ast.AsyncFor, elements: tuple[Value, ...]
) -> bool:
    """Return whether following the elements one by one may give a more certain result."""
    if len(elements) > _UNROLLED or all(is_plain(element) for element in elements):
        return False
    if any(holds_flow(element) for element in elements):
        return False
    if frame.study.compute_once(node, _reaches_by_name):
        return True
    return len(elements) <= _UNROLLED // 5 and frame.study.compute_once(node, _calls)


def _reaches_by_name(loop: ast.AST) -> bool:
    return any(
        node.id in _BY_NAME if isinstance(node, ast.Name) else node.attr == "__dict__"
        for node in ast.walk(loop)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def _calls(loop: ast.AST) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(loop))


def _each_element(frame: Frame, node: ast.For | ast.AsyncFor, elements: tuple[Value, ...]) -> None:
    breaks = unreachable()
    for element in elements:
        if not frame.state.is_reachable:
            break
        assign(frame, node.target, element)
        breaks = merge_states(breaks, _once(frame, node.body))
    _otherwise(frame, node.orelse, breaks)


def _once(frame: Frame, body: list[ast.stmt]) -> State:
    """Follow the body to the start of the next round; return the state at its `break`s."""
    with frame.leaving() as exits:
        frame.run(body)
    frame.exits.returns = merge_states(frame.exits.returns, exits.returns)
    frame.state = merge_states(frame.state, exits.continues)
    return exits.breaks


def _rounds(frame: Frame, head: Callable[[], None], body: list[ast.stmt]) -> tuple[State, State]:
    """Follow rounds until nothing changes; the state is then that at the regular end of the loop.

    Return the state at its `break`s, and the state after at least one round.
    """
    entry, breaks, after = frame.state.copy(), unreachable(), unreachable()
    for count in range(_ROUNDS):
        frame.state = entry.copy()
        head()
        breaks = merge_states(breaks, _once(frame, body))
        after = frame.state
        again = merge_states(entry, after)
        if count >= _PATIENT_ROUNDS:
            _give_up_values(entry, again)
        if again == entry:
            frame.state = entry
            return breaks, after
        entry = again
    raise TooIntricateError("the values in a loop change in every round")


def _give_up_values(entry: State, again: State) -> None:
    """Widen the values of names that differ from round to round.

    What the values hold of the flow is kept, at any position in them.
    """
    for name, value in again.names.items():
        if value != entry.names.get(name):
            again.names[name] = widen(value)


def _otherwise(frame: Frame, orelse: list[ast.stmt], breaks: State) -> None:
    frame.run(orelse)
    frame.state = merge_states(frame.state, breaks)


@runs(ast.While)
def _while(frame: Frame, node: ast.While) -> None:
    endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    tested = unreachable()

    def head() -> None:
        nonlocal tested
        frame.evaluate(node.test)
        tested = frame.state.copy()

    breaks, _ = _rounds(frame, head, node.body)
    frame.state = unreachable() if endless else tested
    _otherwise(frame, node.orelse, breaks)


@runs(ast.Break)
def _break(frame: Frame, _node: ast.Break) -> None:
    frame.exits.breaks = merge_states(frame.exits.breaks, frame.state)
    frame.state = unreachable()


@runs(ast.Continue)
def _continue(frame: Frame, _node: ast.Continue) -> None:
    frame.exits.continues = merge_states(frame.exits.continues, frame.state)
    frame.state = unreachable()
