"""Simple statements, and statements that branch once."""

from __future__ import annotations

import ast
from functools import partial

from mfwb.lineage.static_analysis.calls.elements import element_of
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.state import merge_states, unreachable
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    ClassAtom,
    Iter,
    Map,
    Value,
    is_plain,
)
from mfwb.lineage.static_analysis.frame import Frame, runs
from mfwb.lineage.static_analysis.syntax.expressions import define_function
from mfwb.lineage.static_analysis.syntax.targets import assign, delete, read_target

__all__: list[str] = []

_MAKES_CONTAINER = (
    ast.Call,
    ast.Dict,
    ast.DictComp,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
)


@runs(ast.Expr)
def _expression(frame: Frame, node: ast.Expr) -> None:
    frame.evaluate(node.value)


@runs(ast.Assign)
def _assignment(frame: Frame, node: ast.Assign) -> None:
    value = frame.evaluate(node.value)
    for target in node.targets:
        _remember_container(frame, target, node.value, shared=len(node.targets) > 1)
        assign(frame, target, value)


@runs(ast.AnnAssign)
def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    if node.value is not None:
        value = frame.evaluate(node.value)
        _remember_container(frame, node.target, node.value, shared=False)
        assign(frame, node.target, value)


def _remember_container(frame: Frame, target: ast.expr, value: ast.expr, *, shared: bool) -> None:
    """Remember which local names hold a container that nothing else refers to."""
    if isinstance(value, ast.Name):
        frame.own_containers.discard(value.id)
    if isinstance(target, ast.Name):
        fresh = isinstance(value, _MAKES_CONTAINER) and not shared
        (frame.own_containers.add if fresh else frame.own_containers.discard)(target.id)


@runs(ast.AugAssign)
def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    before = read_target(frame, node.target)
    add_values = frame.evaluate(node.value)
    inside = union([element_of(before), element_of(add_values)])
    value = ANYTHING if is_plain(inside) else value_of(Iter(inside))
    assign(frame, node.target, value)


@runs(ast.Delete)
def _deletion(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        delete(frame, target)


@runs(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    for decorator in node.decorator_list:
        frame.evaluate(decorator)
    value = define_function(frame, node)
    frame.state.names[node.name] = value | (ANYTHING if node.decorator_list else frozenset())
    if frame.study.compute_once(node, _names_itself):
        define_function(frame, node)  # defined again, since it may call itself


def _names_itself(node: ast.AST) -> bool:
    name = getattr(node, "name", None)
    return any(isinstance(child, ast.Name) and child.id == name for child in ast.walk(node))


@runs(ast.ClassDef)
def _class(frame: Frame, node: ast.ClassDef) -> None:
    """Follow the body, and its methods as functions that may be called from here on."""
    for expression in [*node.decorator_list, *node.bases]:
        frame.evaluate(expression)
    names = dict(frame.state.names)
    frame.run(node.body)
    info = frame.study.project.class_info(node, frame.module)
    frame.state.names = names | {node.name: value_of(ClassAtom(info))}


@runs(ast.Import, ast.ImportFrom)
def _import(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        name = alias.asname or alias.name
        name = name if isinstance(node, ast.ImportFrom) else name.partition(".")[0]
        frame.state.names[name] = frame.study.project.imported(frame.module, node, name)


@runs(ast.Return)
def _return(frame: Frame, node: ast.Return) -> None:
    frame.returned |= frame.evaluate(node.value) if node.value else ANYTHING
    frame.exits.returns = merge_states(frame.exits.returns, frame.state)
    frame.state = unreachable()


@runs(ast.Raise)
def _raise(frame: Frame, node: ast.Raise) -> None:
    for part in (node.exc, node.cause):
        if part is not None:
            frame.evaluate(part)
    frame.may_raise()
    frame.state = unreachable()


@runs(ast.Assert)
def _assert(frame: Frame, node: ast.Assert) -> None:
    frame.evaluate(node.test)
    if node.msg is not None:
        frame.follow_either(partial(_value, frozenset()), partial(frame.evaluate, node.msg))


def _value(value: Value) -> Value:
    return value


@runs(ast.If)
def _if(frame: Frame, node: ast.If) -> None:
    frame.evaluate(node.test)
    frame.follow_either(partial(_block, frame, node.body), partial(_block, frame, node.orelse))


def _block(frame: Frame, body: list[ast.stmt]) -> Value:
    frame.run(body)
    return ANYTHING


@runs(ast.Match)
def _match(frame: Frame, node: ast.Match) -> None:
    subject = frame.evaluate(node.subject)
    end = unreachable()
    for case in node.cases:
        _capture(frame, case.pattern, subject)
        certain = _is_certain(case.pattern) and case.guard is None
        if case.guard is not None:
            frame.evaluate(case.guard)
        tested = frame.state.copy()
        frame.run(case.body)
        end = merge_states(end, frame.state)
        frame.state = unreachable() if certain else tested
        if certain:
            break
    frame.state = merge_states(end, frame.state)


def _capture(frame: Frame, pattern: ast.pattern, subject: Value) -> None:
    """Evaluate the values that a pattern compares with, and bind the names that it captures."""
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
        if pattern.name:
            frame.state.names[pattern.name] = subject
        return
    for part in ast.walk(pattern):
        if isinstance(part, ast.MatchValue):
            frame.evaluate(part.value)
        name = getattr(part, "name", None) or getattr(part, "rest", None)
        if isinstance(name, str):
            frame.state.names[name] = _part_of(subject)


def _part_of(subject: Value) -> Value:
    inside = element_of(subject)
    if is_plain(inside):
        return subject | inside | ANYTHING
    return subject | inside | value_of(Iter(inside), Map(inside))


def _is_certain(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _is_certain(pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        return any(_is_certain(alternative) for alternative in pattern.patterns)
    return False
